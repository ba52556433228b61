/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the supervisor tells the in-cage init: one memory file, read whole, of records. Shared by both
 * programs; the init is static and links nothing but libc, so the reader allocates nothing.
 *
 * A record is two 32-bit native-endian words, tag and length of the payload, then the payload, then zeros, at
 * least one, up to a multiple of 8 bytes. The first is CAGE_SPEC_MAGIC, the last CAGE_SPEC_END.
 */
#ifndef CAGE_INIT_SPEC_H
#define CAGE_INIT_SPEC_H

#include <stddef.h>
#include <stdint.h>

#define CAGE_SPEC_VERSION "nixcage-spec-1"

enum cage_spec_tag {
    CAGE_SPEC_MAGIC = 1, /* CAGE_SPEC_VERSION */
    CAGE_SPEC_END,
    CAGE_SPEC_ARG,  /* one of argv, in order */
    CAGE_SPEC_ENV,  /* NAME=value */
    CAGE_SPEC_PATH, /* PATH to look argv[0] up in */
    CAGE_SPEC_CWD,
    CAGE_SPEC_VERIFY,   /* struct cage_spec_verify, then the path */
    CAGE_SPEC_STORE,    /* a store path that may be opened; presence turns the store view on */
    CAGE_SPEC_FLAGS,    /* uint32_t of enum cage_spec_flags */
    CAGE_SPEC_KEEP_FD,  /* uint32_t: descriptor given to the command as number 3 */
    CAGE_SPEC_SIGMASK,  /* uint64_t: the caller's blocked signals, bit n - 1 for signal n */
    CAGE_SPEC_NPROC,    /* uint64_t: RLIMIT_NPROC of the command */
    CAGE_SPEC_TAG_END_, /* one more than the last tag */
};

enum cage_spec_flags {
    CAGE_SPEC_LIMIT_STORE = 1,    /* Landlock store view */
    CAGE_SPEC_SCOPE_ABSTRACT = 2, /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET */
    CAGE_SPEC_SCOPE_SIGNAL = 4,   /* LANDLOCK_SCOPE_SIGNAL */
    CAGE_SPEC_WAIT = 8, /* send CAGE_MSG_WAITING, start nothing before CAGE_MSG_GO; a last one at the end */
};

struct cage_spec_verify {
    uint64_t dev, ino;
};

/* Bytes that a payload of this length takes with its padding. */
#define CAGE_SPEC_PADDED(length) (((size_t)(length) + 8) & ~(size_t)7)

/* One record as the reader sees it: data points into the buffer and is followed by at least one NUL. */
struct cage_spec_record {
    uint32_t tag, length;
    const char *data;
};

/*
 * Reads the record at *offset of buf[0..size) and advances *offset. Returns 1, 0 at CAGE_SPEC_END,
 * -1 when the buffer is not well-formed: no magic first, truncated, not padded, unknown tag, a payload
 * of the wrong length, a NUL inside a string.
 */
int cage_spec_next(const char *buf, size_t size, size_t *offset, struct cage_spec_record *record);

/*
 * Messages between the init and the supervisor, one datagram each on a SOCK_SEQPACKET pair. The end of
 * the supervisor's side means that nixcage is gone: the init then exits and the kernel ends the cage.
 */
enum cage_message_kind {
    CAGE_MSG_FAILED = 1, /* init → supervisor: nothing ran; value: errno; text: what */
    CAGE_MSG_NOEXEC, /* init → supervisor: the command could not be executed; value: errno; text: its name */
    CAGE_MSG_EXITED,  /* init → supervisor: value: wait status */
    CAGE_MSG_STOPPED, /* init → supervisor: value: the stop signal */
    CAGE_MSG_SIGNAL,  /* supervisor → init: value: signal for the command */
    CAGE_MSG_WAITING, /* init → supervisor: the cage's namespaces are there; value: 0 */
    CAGE_MSG_GO,      /* supervisor → init: the answer to it, and to EXITED (with CAGE_SPEC_WAIT) */
    CAGE_MSG_WHO,     /* supervisor → init: answer, so that the kernel tells who you are */
    CAGE_MSG_HERE,    /* init → supervisor: the answer to it; value: 0 */
};

/*
 * The init's command line: descriptor numbers, in decimal, of the spec, of its end of the socket pair and of
 * the command's standard input, output and error. The numbers 0, 1 and 2 themselves belong to bwrap, whose
 * messages nixcage reads.
 */
enum cage_init_arg {
    CAGE_INIT_SPEC = 1,
    CAGE_INIT_CONTROL,
    CAGE_INIT_STDIN,
    CAGE_INIT_STDOUT,
    CAGE_INIT_STDERR,
    CAGE_INIT_ARGC
};

struct cage_message {
    uint32_t kind;
    int32_t value;
    char text[504];
};

#endif
