/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery-rate samples, see rate_sample.h; names follow the draft. */
#include "tunnel/rate_sample.h"

#include <string.h>

void rate_sampler_init(struct rate_sampler *sampler)
{
	memset(sampler, 0, sizeof(*sampler));
}

void rate_on_sent(struct rate_sampler *sampler, struct rate_stamp *stamp, uint64_t in_flight_bytes,
    uint64_t now_us)
{
	/* After idle times; a sender that is paced to less than a packet a round trip is not idle. */
	if (in_flight_bytes == 0
	    && (sampler->app_limited_until_bytes != 0 || sampler->delivered_bytes == 0)) {
		sampler->first_sent_us = now_us;
		sampler->delivered_us = now_us;
	}
	stamp->delivered_bytes = sampler->delivered_bytes;
	stamp->delivered_us = sampler->delivered_us;
	stamp->first_sent_us = sampler->first_sent_us;
	stamp->is_app_limited = sampler->app_limited_until_bytes != 0;
}

void rate_on_app_limited(struct rate_sampler *sampler, uint64_t in_flight_bytes)
{
	uint64_t until_bytes = sampler->delivered_bytes + in_flight_bytes;

	sampler->app_limited_until_bytes = until_bytes ? until_bytes : 1;
}

void rate_on_packet_acked(struct rate_sampler *sampler, struct rate_sample *sample,
    const struct rate_stamp *stamp, uint64_t sent_us, uint64_t bytes, uint64_t now_us)
{
	sampler->delivered_bytes += bytes;
	sampler->delivered_us = now_us;
	/* The newest packet, by what had been delivered and by when it was sent, decides. */
	if (sample->has_packet && stamp->delivered_bytes < sample->prior_delivered_bytes)
		return;
	if (sample->has_packet && stamp->delivered_bytes == sample->prior_delivered_bytes
	    && sent_us < sample->newest_sent_us)
		return;
	sample->has_packet = true;
	sample->prior_delivered_bytes = stamp->delivered_bytes;
	sample->prior_us = stamp->delivered_us;
	sample->is_app_limited = stamp->is_app_limited;
	sample->send_elapsed_us = sent_us - stamp->first_sent_us;
	sample->newest_sent_us = sent_us;
	sampler->first_sent_us = sent_us;
}

void rate_sample_finish(
    struct rate_sampler *sampler, struct rate_sample *sample, uint64_t min_rtt_us)
{
	uint64_t ack_elapsed_us = sampler->delivered_us - sample->prior_us;

	if (sampler->app_limited_until_bytes
	    && sampler->delivered_bytes > sampler->app_limited_until_bytes)
		sampler->app_limited_until_bytes = 0;
	if (!sample->has_packet)
		return;
	sample->delivered_bytes = sampler->delivered_bytes - sample->prior_delivered_bytes;
	sample->interval_us =
	    sample->send_elapsed_us > ack_elapsed_us ? sample->send_elapsed_us : ack_elapsed_us;
	/* Shorter than the path allows: acks came compressed, or clocks are coarse. */
	if (sample->interval_us == 0 || sample->interval_us < min_rtt_us)
		return;
	sample->rate_Bps =
	    (uint64_t)((double)sample->delivered_bytes * 1e6 / (double)sample->interval_us);
}
