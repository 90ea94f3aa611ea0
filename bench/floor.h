/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* 0, or -1 where there is no such directory */
int floor_read(const char *path);
