/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up privileges; see net/privileges.h.
 */
#include "config.h"

#include "net/privileges.h"

#include "base/err.h"
#include "base/log.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *what)
{
	log_error("privileges_not_dropped", "step=%s error=\"%s\"", what, strerror(errno));
	return ERR_IO;
}

/* ---- the state's owner ---- */

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/*
 * Gives the directory and its plain files away.  Links are not followed, and files with more than
 * one name stay: somebody else may have put them there.
 */
static int give_state(const char *path, uid_t uid, gid_t gid)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = directory < 0 ? NULL : fdopendir(directory);
	struct dirent *entry;
	struct stat state;
	int result = 0;

	if (!list) {
		if (directory >= 0)
			close(directory);
		return -1;
	}
	while (result == 0 && (entry = readdir(list))) {
		if (is_dot(entry->d_name)
		    || fstatat(directory, entry->d_name, &state, AT_SYMLINK_NOFOLLOW) < 0
		    || !S_ISREG(state.st_mode) || state.st_nlink != 1)
			continue;
		result = fchownat(directory, entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW);
	}
	if (result == 0)
		result = fchown(directory, uid, gid);
	closedir(list);
	return result;
}

/* ---- main ---- */

/* What main is to keep, as libcap-ng's state; bounding too when it may be set. */
static void choose_capabilities(bool keep_bind)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_bind)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
		    CAP_NET_BIND_SERVICE);
}

static bool has_capability(unsigned capability)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_PERMITTED, capability) != 0;
}

static int apply_capabilities(bool keep_bind)
{
	bool may_bound = has_capability(CAP_SETPCAP);

	keep_bind = keep_bind && has_capability(CAP_NET_BIND_SERVICE);
	choose_capabilities(keep_bind);
	return capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) == 0 ? 0 : -1;
}

/* Root becomes the user; a capability that it keeps goes over by libcap-ng's PR_SET_KEEPCAPS. */
static int become(const struct passwd *user, bool keep_bind)
{
	choose_capabilities(keep_bind);
	return capng_change_id((int)user->pw_uid, (int)user->pw_gid,
	           (capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING))
	               == 0
	           ? 0
	           : -1;
}

/* Neither a core file nor ptrace by the same user may show keys; sanitizers need the latter. */
static void forbid_looking(void)
{
#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Whom root is to become; NULL when we are not root, or there is no such user. */
static const struct passwd *user_to_become(void)
{
	return geteuid() == 0 ? getpwnam(PRIVILEGES_USER) : NULL;
}

int privileges_give_state(const char *state_directory)
{
	const struct passwd *user = user_to_become();

	if (user && give_state(state_directory, user->pw_uid, user->pw_gid) < 0)
		return failed("state");
	return 0;
}

static void tell_identity(const struct passwd *user)
{
	const char *low_ports = has_capability(CAP_NET_BIND_SERVICE) ? "yes" : "no";

	if (user)
		log_info("privileges_dropped", "user=" PRIVILEGES_USER " uid=%d low_ports=%s",
		    (int)geteuid(), low_ports);
	else if (geteuid() == 0)
		log_info("still_root", "uid=0 low_ports=%s fix=\"make the system user %s\"",
		    low_ports, PRIVILEGES_USER);
	else
		log_info("user_kept", "uid=%d low_ports=%s", (int)geteuid(), low_ports);
}

int privileges_drop_main(const char *state_directory)
{
	const struct passwd *user = user_to_become();

	if (privileges_give_state(state_directory) < 0)
		return ERR_IO;
	if (user && become(user, true) < 0)
		return failed("user");
	if (!user && apply_capabilities(true) < 0)
		return failed("capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("no_new_privs");
	forbid_looking();
	tell_identity(user);
	return 0;
}

/* ---- children ---- */

int privileges_drop_child(void)
{
	const struct passwd *user = user_to_become();

	if (user && become(user, false) < 0)
		return failed("user");
	if (apply_capabilities(false) < 0)
		return failed("capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("no_new_privs");
	forbid_looking();
	/* A change of credentials may have cleared what the supervisor asked for: prctl(2). */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}
