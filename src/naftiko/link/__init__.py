"""Link a document into a plan: names become what they mean. Load time only, with lint on the way."""
