"""The process that rotates by itself what is due."""
