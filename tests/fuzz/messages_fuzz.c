/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between control and nodes, as text of anybody: what decodes must encode, and decode
 * again to the same text.
 */
#include "model/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *encode(const struct message *message)
{
	size_t length;
	char *text;

	if (message_encode(message, &text, &length) < 0 || strlen(text) != length)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message, again;
	struct model_error error;
	char *text, *second;

	if (message_decode((const char *)data, size, &message, &error) < 0) {
		if (message.type || !memchr(error.reason, '\0', sizeof(error.reason)))
			abort();
		return 0;
	}
	text = encode(&message);
	if (message_decode(text, strlen(text), &again, &error) < 0)
		abort();
	second = encode(&again);
	if (strcmp(text, second) != 0)
		abort();
	free(text);
	free(second);
	message_clear(&message);
	message_clear(&again);
	return 0;
}
