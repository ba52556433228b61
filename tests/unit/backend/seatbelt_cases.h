/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cages of a described Mac: home /Users/ada, project /Users/ada/work. */
#ifndef SEATBELT_CASES_H
#define SEATBELT_CASES_H

#include "backend/seatbelt.h"

#define CASE_HOME "/Users/ada"
#define CASE_PROJECT "/Users/ada/work"
#define CASE_SESSION "/private/tmp/nixcage-501-Ab12Cd"

/* The input of a level with the given network; what the tests add to it comes after. */
void seatbelt_case(struct cage_seatbelt_input *in, enum cage_level level, enum cage_net_mode net);

/* Renders or fails the test. The caller frees. */
char *seatbelt_render(const struct cage_seatbelt_input *in);

/*
 * Compares text with tests/golden/seatbelt/NAME and fails the test with the first line that differs. With
 * UPDATE_GOLDEN=1 in the environment the file is written instead.
 */
void seatbelt_golden(const char *name, const char *text);

/* Fails the test unless file `path` (absolute) holds text; UPDATE_GOLDEN=1 writes it. */
void seatbelt_same_file(const char *path, const char *text);

#endif
