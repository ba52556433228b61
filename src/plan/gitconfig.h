/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads git's configuration format (git-config(1), "Syntax") without git, which could be made to run programs
 * by what it reads.
 */
#ifndef CAGE_PLAN_GITCONFIG_H
#define CAGE_PLAN_GITCONFIG_H

/*
 * One variable: section in lower case, subsection as written ("" for none), name in lower case, value with
 * quotes and escapes resolved. All are valid during the call only.
 */
typedef void cage_gitconfig_fn(const char *section, const char *subsection, const char *name,
                               const char *value, void *data);

/*
 * Calls fn for each variable with a value, in the file's order. Stops silently where the text is not in the
 * format: git itself would refuse the file.
 */
void cage_gitconfig_parse(const char *text, cage_gitconfig_fn *fn, void *data);

/* `text` as a value that git reads back as it is, in double quotes. The caller frees. */
char *cage_gitconfig_quote(const char *text);

#endif
