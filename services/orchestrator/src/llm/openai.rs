//! Any model behind an OpenAI-compatible API.
