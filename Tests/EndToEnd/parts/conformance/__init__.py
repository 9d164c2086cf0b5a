"""The scenarios of the official conformance suite, taken with the official clients through an agent, and judged."""
