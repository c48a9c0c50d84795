"""The store and the services on both engines."""
