//! One loopback listener per broker, for clients that open their own sockets.
