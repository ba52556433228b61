/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A revision of nixpkgs with its hash, as `[nix] nixpkgs` may name it. */
#ifndef CAGE_CONFIG_PIN_H
#define CAGE_CONFIG_PIN_H

#include "config/schema.h"

/* The parts of github:OWNER/REPO/REVISION#sha256-HASH. */
struct cage_pin {
    char owner[64], repo[128];
    char rev[41];  /* 40 lower-case hexadecimal digits */
    char hash[52]; /* SRI form, "sha256-" and 44 characters of base64: as fetchTarball takes it (the unpacked
                      tree) */
};

/*
 * Splits and checks such a reference. False with *why filled when it is not one: the revision must be whole
 * and the hash present, so that what runs in the cage cannot change behind the user's back.
 */
bool cage_config_pin_parse(const char *text, struct cage_pin *pin, struct cage_objection *why);

#endif
