/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reuseport filter; see net/steer.h.
 */
#include "config.h"

#include "net/steer.h"

#include "base/err.h"

#include <linux/filter.h>
#include <sys/socket.h>

int steer_attach(int descriptor, unsigned slots)
{
	/*
	 * The filter sees the UDP payload.  A load past its end ends the program with 0.  Classic
	 * BPF has a modulo instruction since Linux 3.7.
	 */
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, STEER_SLOT_OFFSET),
	    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, slots),
	    BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (slots < 1 || slots > 256)
		return ERR_INVALID;
	if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program))
	    < 0)
		return ERR_IO;
	return 0;
}
