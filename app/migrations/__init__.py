"""Steps of the schema. A step is written by hand; the drift tests say what it lacks. None touches entry bytes."""
