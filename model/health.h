/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the health of a backend, or of all backends of an accelerator at one endpoint. */
#ifndef MODEL_HEALTH_H
#define MODEL_HEALTH_H

enum health_state {
	HEALTH_UNKNOWN = 0, /* not checked, or not yet: it is used */
	HEALTH_HEALTHY = 1,
	HEALTH_UNHEALTHY = 2, /* gets no new flows */
};

/* Why a backend is unhealthy. */
enum health_cause {
	HEALTH_CAUSE_NONE,
	HEALTH_CAUSE_SILENT,        /* no answer in time: it may be dead */
	HEALTH_CAUSE_REFUSED,       /* its host says that nothing listens there */
	HEALTH_CAUSE_UNREACHABLE,   /* no way to it */
	HEALTH_CAUSE_WRONG_ANSWER,  /* it lives, and says something else than it should */
	HEALTH_CAUSE_FLOWS,         /* too many of its users' flows failed */
	HEALTH_CAUSE_NO_NAME,       /* its name does not resolve */
	HEALTH_CAUSE_NOT_PERMITTED, /* the system does not let us ask: it stays unknown */
	HEALTH_CAUSE_COUNT,
};

/* "unknown", "healthy", "unhealthy"; indexed by the enum, ends with NULL. */
extern const char *const health_state_names[];
/* "none", "silent", "refused", ...; likewise. */
extern const char *const health_cause_names[];

/* "?" for what is none. */
const char *health_state_text(enum health_state state);
const char *health_cause_text(enum health_cause cause);

#endif
