/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again with the same
 * key gets the answer that the first one got, and is not done again.  Answers are kept on disk, so
 * that a restart of control between the two changes nothing; they are sealed under the key itself,
 * of which only a hash is kept, since an answer may bear a secret.
 */
#ifndef CONTROL_IDEMPOTENCY_H
#define CONTROL_IDEMPOTENCY_H

#include "control/api.h"

enum {
	IDEMPOTENCY_KEY_CHARS_MAX = 255,
	IDEMPOTENCY_ANSWERS_MAX = 500,        /* the oldest give way */
	IDEMPOTENCY_ANSWER_BYTES_MAX = 65536, /* a longer one is not kept */
	IDEMPOTENCY_KEPT_S = 86400,
};

/*
 * Before a POST is done: 0 when it has no key or a new one, 1 with *answer as it was the first time;
 * -1 with answer->problem filled: the key is none, or was used for another request.
 */
int idempotency_replay(
    struct control *control, const struct api_request *request, struct api_answer *answer);

/* After it was done.  What cannot be kept is logged: the request was done all the same. */
void idempotency_keep(
    struct control *control, const struct api_request *request, const struct api_answer *answer);

#endif
