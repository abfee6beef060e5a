-- SPDX-License-Identifier: GPL-2.0-or-later
-- Wireshark's view of the tunnel protocol (doc/PROTOCOL.md): handshake packets whole, of sealed
-- packets the header.  Captures that hold plaintext (`sim --capture FILE`, link type USER0: a
-- direction byte, then the packet as it was before sealing, without its tag) show every frame.
--
--   wireshark -X lua_script:tools/trunkline.lua capture.pcap
--   tshark -X lua_script:tools/trunkline.lua -d udp.port==7401,trunkline -V -r capture.pcap

local trunkline = Proto("trunkline", "Trunkline tunnel")
local plain = Proto("trunkline_plain", "Trunkline tunnel, plaintext")

local HEADER_BYTES, TAG_BYTES, MAC_BYTES = 12, 16, 16
local HANDSHAKE_MIN_BYTES, HANDSHAKE_MAX_BYTES, DOOR_HEADER_BYTES = 37, 1200, 21
local PARAMETERS_BYTES = 18
local PORT = 7401

local kinds = { [1] = "INITIATE", [2] = "RESPOND", [3] = "RETRY", [4] = "START", [5] = "STARTED",
	[6] = "UNKNOWN" }
local statuses = { [1] = "NEW", [2] = "ALIVE" }
local aeads = { [1] = "AES-256-GCM", [2] = "ChaCha20-Poly1305",
	[3] = "AES-256-GCM or ChaCha20-Poly1305" }
local directions = { [0] = "to the endpoint", [1] = "to the listener" }
local flow_kinds = { [0] = "TCP", [1] = "UDP", [2] = "TCP in blocks" }
local reasons = { [0] = "none", "tcp-reset", "backend-refused", "backend-timeout", "no-backend",
	"unknown-service", "idle", "limit", "evicted", "removed", "drained", "lane-lost",
	"peer-restarted", "protocol", "keys-exhausted", "internal", "denied" }

local f = {
	type = ProtoField.uint8("trunkline.type", "Handshake packet", base.DEC, kinds, 0x7f),
	phase = ProtoField.bool("trunkline.key_phase", "Key phase (odd epoch)", 8, nil, 0x01),
	id = ProtoField.uint32("trunkline.connection_id", "Connection id", base.HEX),
	slot = ProtoField.uint8("trunkline.slot", "Worker slot"),
	number = ProtoField.uint64("trunkline.packet_number", "Packet number"),
	sealed = ProtoField.bytes("trunkline.sealed", "Sealed frames"),
	tag = ProtoField.bytes("trunkline.tag", "AEAD tag"),
	door = ProtoField.bytes("trunkline.door_id", "Door id"),
	tunnel = ProtoField.bytes("trunkline.tunnel_id", "Tunnel id"),
	mac = ProtoField.bytes("trunkline.mac", "Door MAC"),
	answer_id = ProtoField.uint32("trunkline.answer_id", "Connection id for answers", base.HEX),
	cookie = ProtoField.bytes("trunkline.cookie", "Cookie"),
	version = ProtoField.uint16("trunkline.version", "Version"),
	aead = ProtoField.uint8("trunkline.aead", "AEADs", base.HEX, aeads),
	workers = ProtoField.uint8("trunkline.workers", "Workers"),
	instance = ProtoField.uint64("trunkline.instance", "Instance", base.HEX),
	max_flows = ProtoField.uint32("trunkline.max_flows", "Most flows a lane"),
	packet_bytes = ProtoField.uint16("trunkline.packet_bytes", "Longest packet received"),
	tls_offset = ProtoField.uint16("trunkline.tls_offset", "TLS bytes from"),
	tls_acked = ProtoField.uint16("trunkline.tls_acknowledged", "TLS bytes acknowledged"),
	tls = ProtoField.bytes("trunkline.tls", "TLS bytes"),
	lane = ProtoField.uint8("trunkline.lane", "Lane"),
	incarnation = ProtoField.uint32("trunkline.incarnation", "Incarnation"),
	old_tunnel = ProtoField.bytes("trunkline.old_tunnel_id", "Old tunnel id"),
	old_incarnation = ProtoField.uint32("trunkline.old_incarnation", "Old incarnation"),
	status = ProtoField.uint8("trunkline.status", "Status", base.DEC, statuses),
	tunnel_mac = ProtoField.bytes("trunkline.tunnel_mac", "Tunnel MAC"),
}
trunkline.fields = f

local too_short = ProtoExpert.new("trunkline.short", "Shorter than its type says",
	expert.group.MALFORMED, expert.severity.ERROR)
trunkline.experts = { too_short }

-- ---- handshake packets

-- Takes fields off a range one after the other; the first that does not fit ends it.
local function cursor(range, tree)
	local at = 0
	local this = {}
	function this.left() return range:len() - at end
	function this.take(field, bytes)
		if not at or this.left() < bytes then
			if at then tree:add_proto_expert_info(too_short) end
			at = range:len()
			return nil
		end
		local piece = bytes > 0 and range(at, bytes) or nil
		at = at + bytes
		if piece and field then tree:add(field, piece) end
		return piece
	end
	function this.number(field, bytes)
		local piece = this.take(field, bytes)
		return piece and piece:uint() or 0
	end
	return this
end

local function parameters(body)
	body.take(f.version, 2)
	body.take(f.aead, 1)
	body.take(f.workers, 1)
	body.take(f.instance, 8)
	body.take(f.max_flows, 4)
	body.take(f.packet_bytes, 2)
end

local function tls(body)
	body.take(f.tls_offset, 2)
	body.take(f.tls_acked, 2)
	body.take(f.tls, body.number(nil, 2))
end

local bodies = {
	[1] = function(body)
		body.take(f.answer_id, 4)
		body.take(f.cookie, body.number(nil, 1))
		parameters(body)
		tls(body)
	end,
	[2] = function(body)
		parameters(body)
		tls(body)
	end,
	[3] = function(body) body.take(f.cookie, 16) end,
	[4] = function(body)
		body.take(f.lane, 1)
		body.take(f.incarnation, 4)
		body.take(f.answer_id, 4)
		body.take(f.old_tunnel, 8)
		body.take(f.old_incarnation, 4)
		body.take(f.tunnel_mac, 16)
	end,
	[5] = function(body)
		body.take(f.lane, 1)
		body.take(f.incarnation, 4)
		body.take(f.status, 1)
		body.take(f.answer_id, 4)
		body.take(f.tunnel_mac, 16)
	end,
	[6] = function(body)
		body.take(f.lane, 1)
		body.take(f.incarnation, 4)
	end,
}

local function connection_id(range, tree)
	tree:add(f.id, range)
	tree:add(f.slot, range(0, 1))
end

local function handshake(buffer, pinfo, tree)
	local kind = bit.band(buffer(0, 1):uint(), 0x7f)
	tree:add(f.type, buffer(0, 1))
	connection_id(buffer(1, 4), tree)
	tree:add(f.door, buffer(5, 8))
	tree:add(f.tunnel, buffer(13, 8))
	local body_bytes = buffer:len() - DOOR_HEADER_BYTES - MAC_BYTES
	if bodies[kind] and body_bytes > 0 then
		bodies[kind](cursor(buffer(DOOR_HEADER_BYTES, body_bytes), tree))
	end
	tree:add(f.mac, buffer(buffer:len() - MAC_BYTES, MAC_BYTES))
	pinfo.cols.info = kinds[kind] or string.format("handshake packet of unknown type %d", kind)
end

-- ---- sealed packets

local function header(buffer, tree)
	tree:add(f.phase, buffer(0, 1))
	connection_id(buffer(1, 4), tree)
	tree:add(f.number, buffer(5, 7), buffer(5, 7):uint64())
	return buffer(5, 7):uint64()
end

local function sealed(buffer, pinfo, tree)
	local number = header(buffer, tree)
	tree:add(f.sealed, buffer(HEADER_BYTES, buffer:len() - HEADER_BYTES - TAG_BYTES))
	tree:add(f.tag, buffer(buffer:len() - TAG_BYTES, TAG_BYTES))
	pinfo.cols.info = string.format("sealed packet %s to %08x", tostring(number), buffer(1, 4):uint())
end

local function is_handshake(buffer)
	return bit.band(buffer(0, 1):uint(), 0x80) ~= 0 and buffer:len() >= HANDSHAKE_MIN_BYTES
		and buffer:len() <= HANDSHAKE_MAX_BYTES
end

local function is_sealed(buffer)
	return bit.band(buffer(0, 1):uint(), 0xfe) == 0x40
		and buffer:len() > HEADER_BYTES + TAG_BYTES
end

function trunkline.dissector(buffer, pinfo, tree)
	if buffer:len() < HEADER_BYTES or not (is_handshake(buffer) or is_sealed(buffer)) then return 0 end
	pinfo.cols.protocol = "Trunkline"
	local root = tree:add(trunkline, buffer())
	if is_handshake(buffer) then
		handshake(buffer, pinfo, root)
	else
		sealed(buffer, pinfo, root)
	end
	return buffer:len()
end

DissectorTable.get("udp.port"):add(PORT, trunkline)

-- ---- plaintext captures: frames

local g = {
	direction = ProtoField.uint8("trunkline_plain.direction", "Direction", base.DEC, directions),
	frame = ProtoField.string("trunkline_plain.frame", "Frame"),
	flow = ProtoField.uint64("trunkline_plain.flow", "Flow"),
	kind = ProtoField.uint8("trunkline_plain.kind", "Kind", base.DEC, flow_kinds),
	flags = ProtoField.uint8("trunkline_plain.flags", "Flags", base.HEX),
	accelerator = ProtoField.uint64("trunkline_plain.accelerator", "Accelerator"),
	port = ProtoField.uint16("trunkline_plain.port", "Port"),
	v4 = ProtoField.ipv4("trunkline_plain.ipv4", "Address"),
	v6 = ProtoField.ipv6("trunkline_plain.ipv6", "Address"),
	offset = ProtoField.uint64("trunkline_plain.offset", "Offset"),
	length = ProtoField.uint64("trunkline_plain.length", "Length"),
	total = ProtoField.uint64("trunkline_plain.total", "Total length"),
	datagram = ProtoField.uint32("trunkline_plain.datagram", "Datagram id"),
	data = ProtoField.bytes("trunkline_plain.data", "Data"),
	text = ProtoField.string("trunkline_plain.text", "Text"),
	reason = ProtoField.uint64("trunkline_plain.reason", "Reason", base.DEC, nil),
	maximum = ProtoField.uint64("trunkline_plain.maximum", "Maximum"),
	sequence = ProtoField.uint64("trunkline_plain.sequence", "Sequence"),
	health = ProtoField.uint8("trunkline_plain.health", "Health"),
	largest = ProtoField.uint64("trunkline_plain.largest", "Largest acknowledged"),
	delay = ProtoField.uint64("trunkline_plain.delay", "Acknowledgement delay in us"),
	gap = ProtoField.uint64("trunkline_plain.gap", "Gap"),
	count = ProtoField.uint64("trunkline_plain.count", "Count"),
	back = ProtoField.uint64("trunkline_plain.back", "First packet, before this one"),
	span = ProtoField.uint64("trunkline_plain.span", "Span"),
	bitmap = ProtoField.bytes("trunkline_plain.bitmap", "Packets after the first"),
}
plain.fields = g
local malformed = ProtoExpert.new("trunkline_plain.malformed", "Malformed frame",
	expert.group.MALFORMED, expert.severity.ERROR)
plain.experts = { malformed }

-- Reads off a range; errors end the frame (they are caught by frames()).
local function reader(range)
	local at = 0
	local this = {}
	function this.at() return at end
	function this.left() return range:len() - at end
	function this.bytes(n)
		if n == 0 then return nil end
		if this.left() < n then error("cut off", 0) end
		at = at + n
		return range(at - n, n)
	end
	function this.peek() return range(at, 1):uint() end
	-- RFC 9000 section 16: the value as a number, and where it stood.
	function this.varint()
		local n = 2 ^ bit.rshift(this.peek(), 6)
		local piece = this.bytes(n)
		local value = bit.band(piece(0, 1):uint(), 0x3f)
		for i = 1, n - 1 do value = value * 256 + piece(i, 1):uint() end
		return value, piece
	end
	return this
end

local function varint(field)
	return function(r, tree, seen)
		local value, piece = r.varint()
		tree:add(field, piece, UInt64.new(value % 2 ^ 32, math.floor(value / 2 ^ 32)))
		seen[field] = value
	end
end

local function fixed(field, bytes)
	return function(r, tree, seen)
		local piece = r.bytes(bytes)
		tree:add(field, piece)
		seen[field] = piece:uint()
	end
end

local function reason(r, tree)
	local value, piece = r.varint()
	tree:add(g.reason, piece, UInt64.new(value)):append_text(" (" .. (reasons[value] or "?") .. ")")
end

local function address(r, tree)
	local family = r.bytes(1):uint()
	tree:add(g.port, r.bytes(2))
	if family == 4 then tree:add(g.v4, r.bytes(4)) else tree:add(g.v6, r.bytes(16)) end
end

-- As many bytes as the length that was read before.
local function counted(field)
	return function(r, tree, seen)
		local piece = r.bytes(seen[g.length])
		if piece then tree:add(field, piece) end
	end
end

local function ranges(r, tree)
	local more, piece = r.varint()
	tree:add(g.count, piece, UInt64.new(more)):set_text("Further ranges: " .. more)
	varint(g.length)(r, tree, {})
	for _ = 1, more do
		varint(g.gap)(r, tree, {})
		varint(g.length)(r, tree, {})
	end
end

local function counts(r, tree)
	for _, name in ipairs({ "ECT(0)", "ECT(1)", "CE" }) do
		local value, piece = r.varint()
		tree:add(g.count, piece, UInt64.new(value)):set_text(name .. ": " .. value)
	end
end

local function bitmap(r, tree, seen)
	local piece = r.bytes(math.floor((seen[g.span] + 6) / 8))
	if piece then tree:add(g.bitmap, piece) end
end

local function rest(r, tree)
	tree:add(g.data, r.bytes(r.left()))
end

local flow, offset, length = varint(g.flow), varint(g.offset), varint(g.length)
local stream = { flow, offset, length, counted(g.data) }
local ack = { varint(g.largest), varint(g.delay), ranges }

local function challenge(r, tree)
	tree:add(g.data, r.bytes(8))
end

local health_names = { [0] = "unknown", "healthy", "unhealthy" }

local function health_state(r, tree)
	local piece = r.bytes(1)
	if piece then tree:add(g.health, piece):append_text(" (" .. (health_names[piece:uint()] or "?") .. ")") end
end

-- Each frame's name and its fields, in their order (doc/PROTOCOL.md, Frames).
local frame_types = {
	[0] = { "PADDING" },
	[1] = { "PING" },
	[2] = { "ACK", ack[1], ack[2], ack[3] },
	[3] = { "ACK_ECN", ack[1], ack[2], ack[3], counts },
	[4] = { "OPEN", flow, fixed(g.kind, 1), varint(g.accelerator), address, address },
	[5] = { "STREAM", unpack(stream) },
	[6] = { "STREAM_FIN", unpack(stream) },
	[7] = { "RESET", flow, reason, offset },
	[8] = { "STOP_SENDING", flow, reason },
	[9] = { "DATAGRAM", flow, fixed(g.datagram, 4), length, counted(g.data) },
	[10] = { "DATAGRAM_FRAGMENT", flow, fixed(g.datagram, 4), varint(g.total), offset, length,
		counted(g.data) },
	[11] = { "MAX_DATA", varint(g.maximum) },
	[12] = { "MAX_STREAM_DATA", flow, varint(g.maximum) },
	[13] = { "CLOSE", reason, length, counted(g.text) },
	[14] = { "PROTECTED" },
	[15] = { "REPAIR", varint(g.back), varint(g.span), bitmap, rest },
	[16] = { "RECOVERED", varint(g.largest), ranges },
	[17] = { "HOLD", flow, varint(g.maximum) },
	[18] = { "PATH_CHALLENGE", challenge },
	[19] = { "PATH_RESPONSE", challenge },
	[20] = { "HEALTH", varint(g.accelerator), varint(g.sequence), health_state },
}

local function frame(range, r, tree, names)
	local start = r.at()
	local kind = r.bytes(1):uint()
	local of_kind = frame_types[kind]
	if not of_kind then error("unknown type " .. kind, 0) end
	while kind == 0 and r.left() > 0 and r.peek() == 0 do r.bytes(1) end
	local item = tree:add(g.frame, range(start, 1), of_kind[1])
	local seen = {}
	for i = 2, #of_kind do of_kind[i](r, item, seen) end
	item:set_len(r.at() - start)
	names[#names + 1] = of_kind[1]
end

local function frames(range, tree)
	local r, names = reader(range), {}
	while r.left() > 0 do
		local good, why = pcall(frame, range, r, tree, names)
		if not good then
			tree:add_proto_expert_info(malformed, "Malformed frame: " .. tostring(why))
			names[#names + 1] = "malformed"
			break
		end
	end
	return table.concat(names, " ")
end

function plain.dissector(buffer, pinfo, tree)
	if buffer:len() <= 1 + HEADER_BYTES then return 0 end
	pinfo.cols.protocol = "Trunkline"
	local root = tree:add(plain, buffer())
	root:add(g.direction, buffer(0, 1))
	local number = header(buffer(1, HEADER_BYTES):tvb(), root)
	local names = frames(buffer(1 + HEADER_BYTES), root)
	pinfo.cols.info = string.format("%s %s: %s", tostring(number),
		directions[buffer(0, 1):uint()] or "?", names)
	return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, plain)
