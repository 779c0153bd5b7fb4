"""A request in, a page or a reply out: the only rooms that know HTTP and WebSockets."""
