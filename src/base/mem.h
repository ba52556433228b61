/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocation and clean-up. Out of memory aborts: there is nothing sensible
 * to do then, and no error path can be tested for every allocation.
 */
#ifndef CAGE_BASE_MEM_H
#define CAGE_BASE_MEM_H

#include <stddef.h>
#include <stdio.h>

#define CAGE_CLEANUP(fn) __attribute__((cleanup(fn)))
#define cage_autofree CAGE_CLEANUP(cage_cleanup_free)
#define cage_autofd CAGE_CLEANUP(cage_cleanup_fd)
#define cage_autofile CAGE_CLEANUP(cage_cleanup_file)
#define CAGE_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* malloc(3) of size bytes (at least 1), zeroed. The caller frees. Never NULL. */
void *cage_alloc(size_t size);

/* reallocarray(3): nothing is zeroed. The caller frees. Never NULL. */
void *cage_realloc_array(void *old, size_t n, size_t size);

/* strdup(3); NULL in, NULL out. The caller frees. */
char *cage_strdup(const char *s);

/* The first n bytes of s as a string. The caller frees. */
char *cage_strndup(const char *s, size_t n);

/* asprintf(3). The caller frees. Never NULL. */
char *cage_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Returns *slot and leaves NULL behind: ownership moves to the caller. */
char *cage_steal(char **slot);
/* The same for a descriptor, with -1. */
int cage_steal_fd(int *slot);

/* Closes *fd if it is >= 0 and sets it to -1; errno is kept. */
void cage_close(int *fd);

/* For the cleanup attribute: free(*p); errno is kept. */
void cage_cleanup_free(void *p);
/* For the cleanup attribute: close(*fd) if it is >= 0; errno is kept. */
void cage_cleanup_fd(int *fd);
/* For the cleanup attribute: fclose(*f) if it is not NULL; errno is kept. */
void cage_cleanup_file(FILE **f);

#endif
