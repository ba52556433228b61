/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the gate share: cmocka's include order, and builders of TLS messages. */
#ifndef NET_TEST_H
#define NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#endif
