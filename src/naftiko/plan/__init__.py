"""Link a document: references, inputs, outputs and steps, everything compiled."""
