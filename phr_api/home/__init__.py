"""The app's first screen: one answer from many rooms. Nobody imports it."""
