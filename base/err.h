/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of error codes that base, tunnel, model and net return.
 * 0 or a positive number is success; these are negative.  They say what kind of thing went
 * wrong; words for a person are made where the error is decided upon.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_NOMEM = -1,        /* the system or a budget has no memory left */
	ERR_TRUNCATED = -2,    /* the input ends too early */
	ERR_MALFORMED = -3,    /* the input breaks its format */
	ERR_LIMIT = -4,        /* a cap is reached */
	ERR_AUTH = -5,         /* a proof, tag, pin or password is wrong */
	ERR_STATE = -6,        /* not allowed in this state */
	ERR_NOT_FOUND = -7,    /* no such thing */
	ERR_EXISTS = -8,       /* the thing is there already */
	ERR_EXPIRED = -9,      /* its time is over */
	ERR_REPLAY = -10,      /* seen before, or too old to tell */
	ERR_IO = -11,          /* the operating system failed; see errno */
	ERR_INVALID = -12,     /* an argument or a value is out of range */
	ERR_AGAIN = -13,       /* nothing now, try later */
	ERR_CLOSED = -14,      /* the other side is gone */
	ERR_UNSUPPORTED = -15, /* not known to this version or build */
	ERR_TOO_LARGE = -16,   /* does not fit */
	ERR_TIMEOUT = -17,     /* no answer in time */
	ERR_REFUSED = -18,     /* the other side said no */
	ERR_UNREACHABLE = -19, /* no way to the other side */
	ERR_FLOW_CONTROL = -20 /* more than the window allows */
};

/* A short text in static storage for a code of enum err; never NULL. */
const char *err_text(int code);

#endif
