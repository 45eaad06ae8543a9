"""How results are looked at: terminal, tables, pages and figures."""
