"""Market-side components: how a quantity, a price and a performance become an amount; one small module a family."""
