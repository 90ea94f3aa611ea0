/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of write_host_text(). */
#pragma once

#include "write-table.h"

/* (transfer full): "yes", "no" or "?" in its colour */
char *write_tri(BaseTri tri, const WriteStyle *style);
/* (transfer full): @text in colour where the style has colours */
char *write_colored(const char *text, const char *color, const WriteStyle *style);

#define WRITE_GREEN  "32"
#define WRITE_RED    "31"
#define WRITE_YELLOW "33"

/* The table of groups and functions, and the steps that did not fit beside it. */
void write_host_groups(const ViommuHost *host, const WriteStyle *style, GString *out);
/* Every field of every register, with its meaning. */
void write_host_registers(const ViommuHost *host, const WriteStyle *style, GString *out);
/* The daemon's limit, pinned memory, huge pages, unsafe switches; nothing where none is known. */
void write_host_limits(const ViommuHost *host, const WriteStyle *style, GString *out);
