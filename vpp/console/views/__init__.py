"""The console's pages, one module a topic. Each view asks its queries and renders one template."""
