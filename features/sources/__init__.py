"""Sources by name: `module:function` that gives the tables, and a line for people."""

SOURCES: dict[str, tuple[str, str]] = {
    "movielens": ("features.sources.movielens:read", "MovieLens 100k, 1m, 10m, 20m, 25m or latest (zip or folder)"),
    "goodbooks": ("features.sources.goodbooks:read", "goodbooks-10k: ratings.csv, books.csv, tags (zip or folder)"),
    "amazon": ("features.sources.amazon:read", "Amazon reviews and metadata of 2014, 2018 or 2023 (json lines, gz)"),
    "mind": ("features.sources.mind:read", "MIND news: behaviors.tsv with impressions, news.tsv (zip or folder)"),
    "recbole": ("features.sources.recbole:read", "RecBole atomic files: .inter, and .item .user .net (zip or folder)"),
    "parquet": ("features.sources.parquet:read", "interactions.parquet, and items users relations item_vectors"),
    "csv": ("features.sources.csv:read", "interactions.csv likewise; columns by --map ours=theirs or guessed"),
    "shopify": (
        "features.sources.shopify:read",
        "Shopify's exports of orders and products (csv), whatever their names",
    ),
    "woocommerce": (
        "features.sources.woocommerce:read",
        "WooCommerce: orders, one row a line item, and products (csv)",
    ),
    "simulator": ("features.sources.simulator:read", "a simulated world with known truth; parameters in params.yaml"),
}
