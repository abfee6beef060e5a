/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See size_text.h. */
#include "base/size_text.h"

#include "base/err.h"

#include <string.h>

/* How many times 1024; negative for what is no unit. */
static int unit_power(const char *unit)
{
	static const char units[] = "KMG";
	const char *found;

	if (!unit[0])
		return 0;
	found = strchr(units, unit[0]);
	return found && !unit[1] ? (int)(found - units) + 1 : -1;
}

int size_parse(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	int power = unit_power(text + digits);
	uint64_t number = 0;

	if (digits == 0 || digits > 18 || power < 0)
		return ERR_INVALID;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (number > UINT64_MAX >> (10 * power))
		return ERR_INVALID;
	*bytes = number << (10 * power);
	return 0;
}
