"""Who comes in, and how answers go out: viewers, tokens, headers, refusals, templates, scripts."""
