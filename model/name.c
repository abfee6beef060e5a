/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See name.h. */
#include "model/name.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= NAME_BYTES || !is_alphanumeric(name[0]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_alphanumeric(name[i]) && !strchr("-_.", name[i]))
			return false;
	}
	return true;
}
