/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sbplcan PROFILE: reads lines "WORD PATH [PATH]" and answers each with "yes WORD PATH" or "no WORD PATH":
 * what a Mac would decide by that profile, on which all readings of its precedence agree.
 */
#include "backend/sbpl_eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *operation;
} words[] = {
    {"read", "file-read-data"},      {"write", "file-write-data"}, {"create", "file-write-create"},
    {"remove", "file-write-unlink"}, {"execute", "process-exec"},
};

static bool decide(const struct sbpl_profile *profile, const char *word, const char *path, const char *to)
{
    if (strcmp(word, "rename") == 0)
        return sbpl_can_rename(profile, path, to);
    if (strcmp(word, "link") == 0)
        return sbpl_can_link(profile, path, to);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return sbpl_file(profile, words[i].operation, path);
    fprintf(stderr, "sbplcan: unknown word %s\n", word);
    exit(2);
}

/* The whole file; the program ends before it would matter that it is never freed. */
static char *read_all(const char *name)
{
    static char text[1 << 20];
    FILE *f = fopen(name, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    if (!f)
        exit(2);
    fclose(f);
    text[n] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    struct sbpl_profile profile;
    char why[256], line[4096];

    if (argc != 2 || !sbpl_parse(read_all(argv[1]), &profile, why, sizeof why)) {
        fprintf(stderr, "sbplcan: %s\n", argc == 2 ? why : "one profile");
        return 2;
    }
    while (fgets(line, sizeof line, stdin)) {
        char *save = NULL;
        const char *word = strtok_r(line, " \n", &save), *path = strtok_r(NULL, " \n", &save);
        const char *to = strtok_r(NULL, " \n", &save);

        if (path)
            printf("%s %s %s%s%s\n", decide(&profile, word, path, to) ? "yes" : "no", word, path,
                   to ? " " : "", to ? to : "");
    }
    sbpl_finish(&profile);
    return 0;
}
