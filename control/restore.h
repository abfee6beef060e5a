/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a backup (model/backup_file.h) in the place of control's database, while control is stopped.
 * At any moment of it, and after a crash, the state directory has either the old database or the
 * whole new one.
 */
#ifndef CONTROL_RESTORE_H
#define CONTROL_RESTORE_H

/*
 * The state directory exists and is locked (net/daemon.h).  The database that was there stays beside
 * the new one, as control.db.replaced-TIME.  0, or a negative error, logged; then nothing has
 * changed.
 */
int restore_state(const char *state_directory, const char *backup_path);

#endif
