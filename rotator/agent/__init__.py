"""The local agent: applications of one machine read their secrets over loopback, out of its memory."""
