"""SQL of the heavy tables: whole arrays in and out, never one object a row. Used by queries and operations only."""
