/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the system's name services, in a program of its own (nss.c). */
#ifndef CAGE_HOST_NSS_H
#define CAGE_HOST_NSS_H

enum { CAGE_NSS_MAX_ADDRS = 8 };

/* The path of nixcage-nss, whether it is there or not. The caller frees. */
char *cage_host_nss_program(void);

#endif
