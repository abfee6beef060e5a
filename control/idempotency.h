/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST, PATCH or DELETE that is sent
 * again with the same key gets the answer that the first one got, and is not done again.  The answer is saved in one
 * transaction with the change, so that there is never one without the other, whenever control ends;
 * it is sealed under the key itself, of which only a hash is kept, since it may bear a secret.  So a
 * handler makes its answer before nodes are told of the change: change_waits().
 */
#ifndef CONTROL_IDEMPOTENCY_H
#define CONTROL_IDEMPOTENCY_H

#include "control/api.h"

enum {
	IDEMPOTENCY_KEY_CHARS_MAX = 255,
	IDEMPOTENCY_ANSWERS_MAX = 500,        /* the oldest give way */
	IDEMPOTENCY_ANSWER_BYTES_MAX = 65536, /* of a longer one it is kept that it was given */
	IDEMPOTENCY_KEPT_S = 86400,
};

/*
 * Handles a request: one that changes something and has a key once, and another time with the same key *answer is as it was
 * the first time.  0, or -1 with answer->problem filled and nothing done: the handler's, or the key
 * is none, was used for another request, or the answer could not be saved.
 */
int idempotency_run(struct control *control, const struct api_request *request,
    api_handler_fn *handle, struct api_answer *answer);

#endif
