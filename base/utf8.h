/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 (RFC 3629) in texts that were put together, or cut, by bytes. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

/*
 * Makes text whole UTF-8: a character that its end cuts is left out, and any other byte that
 * belongs to no character becomes '?'.  Returns text.
 */
char *utf8_mend(char *text);

#endif
