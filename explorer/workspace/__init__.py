"""The one object that both screens hold: state, feed, verbs."""
