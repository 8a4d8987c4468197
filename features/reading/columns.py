"""Columns: which column of a file is which of ours, by our own names, by --map, or by a guess that is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from features.errors import UserError
from features.reading.shops.headers import plain_name
from features.schema import RAW_TABLES
from features.table import Table

SYNONYMS = {"value": ("rating",)}  # part of the import contract, no guess
OBLIGATORY = {
    "interactions": ("user_id", "item_id"),
    "items": ("item_id",),
    "users": ("user_id",),
    "relations": ("user_id", "friend_id"),
    "item_vectors": ("item_id", "vector"),
}
# what others call it (lower case, letters and digits only), the likeliest first
GUESSES: dict[str, tuple[str, ...]] = {
    "user_id": (
        *("userid", "user", "uid", "useruuid", "customerid", "customer", "clientid", "client", "memberid", "member"),
        *("visitorid", "visitor", "reviewerid", "accountid", "account", "profileid", "personid", "userpseudoid"),
        *("customerno", "customernumber", "customeruserid", "customercode", "customeremail", "billingemail"),
        *("emailbilling", "emailaddress", "email", "effectiveuserid", "sessionid"),
    ),
    "item_id": (
        *(
            "itemid",
            "item",
            "iid",
            "productid",
            "product",
            "movieid",
            "movie",
            "bookid",
            "book",
            "articleid",
            "article",
        ),
        *("newsid", "trackid", "songid", "artistid", "videoid", "contentid", "sku", "stockcode", "parentasin", "asin"),
        *("isbn", "gameid", "businessid", "recipeid", "animeid", "offerid", "itemsitemid", "lineitemsku", "itemsku"),
        *("productsku", "productcode", "itemcode", "itemno", "itemnumber", "articlenumber", "articleno", "variantsku"),
        *("handle", "urlhandle", "lineitemname", "itemname", "productname", "itemsitemname"),
    ),
    "timestamp": (
        *("timestamp", "time", "ts", "datetime", "date", "eventtime", "eventtimestamp", "unixreviewtime", "unixtime"),
        *("createdat", "invoicedate", "orderdate", "purchasedate", "ratedat", "occurredat", "when", "datecreated"),
        *("orderdatetime", "orderedat", "paidat", "paiddate", "transactiondate", "saledate", "eventdate"),
    ),
    "event": ("event", "eventtype", "eventname", "action", "actiontype", "behavior", "behaviortype", "interactiontype"),
    "value": ("value", "rating", "score", "stars", "overall", "ratingvalue", "playcount", "listencount", "weight"),
    "known_at": ("knownat",),
    "title": ("title", "name", "itemname", "productname", "movietitle", "booktitle", "headline", "itemtitle"),
    "description": (
        *("description", "summary", "abstract", "overview", "plot", "text", "body", "bodyhtml", "itemdescription"),
        *("productdescription", "shortdescription"),
    ),
    "tags": ("tags", "genres", "genre", "keywords", "labels", "producttags"),
    "category": (
        *("category", "maincategory", "categoryname", "productcategory", "producttype", "department", "section"),
        *("itemcategory", "categories", "type"),
    ),
    "price": ("price", "unitprice", "variantprice", "saleprice", "regularprice", "listprice", "itemprice"),
    "created_at": ("createdat", "publishedat"),
    "friend_id": ("friendid", "friend", "friendsid", "targetid", "target", "followeeid", "followee", "trusteeid"),
    "modality": ("modality",),
    "vector": ("vector", "embedding", "embeddings", "features"),
}
# names of one meaning: a file that has two of them leaves open which one is meant
RIVALS: dict[str, tuple[frozenset[str], ...]] = {
    "user_id": (frozenset({"userid", "customerid", "clientid", "memberid", "accountid", "visitorid"}),),
    "item_id": (frozenset({"itemid", "productid", "articleid", "offerid"}),),
    "timestamp": (frozenset({"invoicedate", "orderdate", "purchasedate", "transactiondate", "saledate"}),),
}
RELATION_USERS = ("sourceid", "source", "followerid", "follower", "trusterid")


@dataclass(frozen=True)
class Choice:
    """`taken` is theirs → ours; `guessed` the part of it, ours → theirs, that nobody stated."""

    taken: Mapping[str, str]
    guessed: Mapping[str, str]


def choose_columns(
    table: Table,
    columns: list[str],
    mapped: Mapping[str, str],
    shown: str,
    *,
    sparse: Collection[str] = (),
    keys: Mapping[str, str] | None = None,
) -> Choice:
    """Our columns among those of a file.

    `sparse`: columns that are mostly empty, which others go before; `keys`: what other tables of the same import call
    our ids, which is guessed first.

    Raises:
        UserError: an obligatory column is not there and none looks like it, or two columns could be one of ours.
    """
    taken: dict[str, str] = {}
    guessed: dict[str, str] = {}
    for ours in table.columns:
        theirs = _mapped(table, ours, columns, mapped, shown)
        if theirs is None:
            free = [name for name in columns if name not in taken and name not in mapped.values()]
            named = [name for name in (ours, *SYNONYMS.get(ours, ())) if name in free]
            full = [name for name in free if name not in sparse]
            theirs = next((name for name in named if name in full), None)
            if theirs is None:
                theirs = _same_name((keys or {}).get(ours), full) if not named else None
                theirs = theirs or _guess(table, ours, full, shown) or next(iter(named), None)
                theirs = theirs or _guess(table, ours, free, shown)
                if theirs is not None and theirs not in named:
                    guessed[ours] = theirs
        if theirs is not None:
            taken[theirs] = ours
        elif ours in OBLIGATORY[table.name]:
            raise UserError(
                f"{shown}: no column for '{ours}'; there are {columns}; "
                f"name the column '{ours}' (line 1 of a csv file names the columns) or say `--map {ours}=THEIRS`"
            )
    return Choice(taken, guessed)


def check_mapping(mapped: Mapping[str, str], columns: Mapping[str, list[str]]) -> None:
    """That every `--map ours=theirs` names a column of ours and one that is in some file (`columns` by table).

    Raises:
        UserError: it does not.
    """
    for key, theirs in mapped.items():
        named, _, ours = key.rpartition(".")
        tables = [named] if named else list(RAW_TABLES)
        if not any(name in RAW_TABLES and ours in RAW_TABLES[name].columns for name in tables):
            expected = sorted({column for table in RAW_TABLES.values() for column in table.columns})
            raise UserError(f"--map {key}={theirs}: '{key}' is no column of ours; there are {expected}")
        if not any(theirs in columns.get(name, []) for name in tables):
            there = {name: columns[name] for name in tables if name in columns}
            raise UserError(
                f"--map {key}={theirs}: no column '{theirs}' in any file; there are {there}; correct the name"
            )


def _mapped(table: Table, ours: str, columns: list[str], mapped: Mapping[str, str], shown: str) -> str | None:
    for_table = mapped.get(f"{table.name}.{ours}")
    if for_table is not None and for_table not in columns:
        raise UserError(
            f"{shown}: no column '{for_table}' as --map {table.name}.{ours}={for_table} says; there are {columns}"
        )
    theirs = for_table or mapped.get(ours)
    return theirs if theirs in columns else None


def _same_name(name: str | None, free: list[str]) -> str | None:
    return next((column for column in free if name and plain_name(column) == plain_name(name)), None)


def _guess(table: Table, ours: str, free: list[str], shown: str) -> str | None:
    names = GUESSES.get(ours, ())
    if table.name == "relations" and ours == "user_id":
        names = (*names, *RELATION_USERS)
    if table.name != "interactions" and ours in {"timestamp", "value"}:
        return None
    by_name: dict[str, list[str]] = {}
    for column in free:
        by_name.setdefault(plain_name(column), []).append(column)
    likeliest = next((name for name in names if name in by_name), None)
    if likeliest is None:
        return None
    group = next((rivals for rivals in RIVALS.get(ours, ()) if likeliest in rivals), frozenset({likeliest}))
    candidates = [column for name in names if name in group for column in by_name.get(name, [])]
    if len(candidates) > 1 and ours in RIVALS:
        raise UserError(
            f"{shown}: {len(candidates)} columns could be '{ours}': {candidates}; say which one it is, e.g. "
            f"`--map {ours}='{candidates[0]}'`"
        )
    return candidates[0]
