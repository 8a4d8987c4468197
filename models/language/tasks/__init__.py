"""Parts that language models write: one file each, a local method and a question; no wire and no files here."""

TASKS = {
    "keywords": "models.language.tasks.keywords:Keywords",
    "description": "models.language.tasks.description:Description",
    "prior_popularity": "models.language.tasks.prior_popularity:PriorPopularity",
    "profile": "models.language.tasks.user_profile:Profile",
    "reason": "models.language.tasks.reason_clause:ReasonClause",
}
