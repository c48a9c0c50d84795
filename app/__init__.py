"""Flask application: store, services, access, views, API and command line."""
