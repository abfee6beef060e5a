/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a worker counts what concerns one accelerator. */
#ifndef NET_WORKER_ACCELERATOR_H
#define NET_WORKER_ACCELERATOR_H

#include "net/page.h"
#include "net/worker.h"

/* Never NULL; valid as long as the worker. */
static inline struct page_accelerator *worker_accelerator(const struct worker *worker, uint32_t id)
{
	static const struct node_config none;
	const struct node_config *config = worker_config(worker);

	return page_accelerator(&worker_page(worker)->accelerators, id, config ? config : &none);
}

#endif
