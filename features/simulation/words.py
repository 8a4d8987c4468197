"""Words of the simulated bookshop: what texts say when an item has a genre, a theme, a style."""

# ruff: noqa: E501  (one entry a line reads better than one that is folded)

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    """A category: kinds of book, who it is about, its usual price."""

    name: str
    kinds: tuple[str, ...]
    leads: tuple[str, ...]
    price: float


@dataclass(frozen=True)
class Theme:
    """What a book is about: its tag, nouns for titles, phrases for descriptions."""

    tag: str
    nouns: tuple[str, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Style:
    """How a book is written: its tag, adjectives for titles, sentences for descriptions."""

    tag: str
    adjectives: tuple[str, ...]
    sentences: tuple[str, ...]


def _genre(name: str, kinds: str, leads: str, price: float) -> Genre:
    return Genre(name, tuple(kinds.split("|")), tuple(leads.split("|")), price)


def _theme(tag: str, nouns: str, phrases: str) -> Theme:
    return Theme(tag, tuple(nouns.split("|")), tuple(phrases.split("|")))


def _style(tag: str, adjectives: str, sentences: str) -> Style:
    return Style(tag, tuple(adjectives.split("|")), tuple(sentences.split("|")))


# fmt: off
GENRES = (
    _genre("mystery", "detective novel|murder mystery|whodunit", "a retired inspector|a young detective|a village policeman|a stubborn private investigator", 11),
    _genre("romance", "love story|romance|romantic novel", "a widowed florist|two old sweethearts|a shy bookseller in love|a bride who has changed her mind", 9),
    _genre("science fiction", "science fiction novel|space opera|tale of the far future", "a starship pilot|a colonist on Mars|an engineer of the orbital stations|a robot with a secret", 13),
    _genre("fantasy", "fantasy novel|tale of magic|saga of wizards and kingdoms", "an apprentice sorcerer|an exiled elven queen|a hedge witch|a knight without a kingdom", 14),
    _genre("horror", "horror novel|tale of terror|nightmare in book form", "a night watchman|a family in a haunted house|a priest who no longer sleeps|a terrified caretaker", 10),
    _genre("history", "work of history|historical study|chronicle of the past", "an emperor's court|forgotten generals and queens|the merchants of the Middle Ages|a Roman legion", 22),
    _genre("travel", "travel book|traveller's journal|guide for wanderers", "a backpacker with an old map|a couple on bicycles|a hitchhiker crossing borders|a tireless tour guide", 16),
    _genre("cooking", "cookbook|collection of recipes|kitchen companion", "a Neapolitan chef|a home baker|a grandmother at her stove|the kitchen of a small restaurant", 24),
    _genre("biography", "biography|memoir|life story", "a celebrated actress|a forgotten inventor|a prime minister|a boxing champion telling her own life", 18),
    _genre("poetry", "collection of poems|book of verse|cycle of sonnets", "a poet in old age|a voice speaking in sonnets|a singer of short verses|a young poet's first lines", 8),
    _genre("business", "business book|handbook for managers|guide to leadership", "a founder of a start-up|a struggling sales team|the board of a large company|an investor with patience", 26),
    _genre("nature", "nature book|field guide|book of natural history", "a patient birdwatcher|a forest ranger|a biologist among wolves|a collector of wild flowers", 19),
)

THEMES = (
    _theme("the sea", "Tide|Harbour|Lighthouse", "long voyages across a stormy sea|sailors, harbours and salt|a lighthouse at the edge of the ocean"),
    _theme("family secrets", "Inheritance|Daughter|Letters", "a family secret kept for three generations|letters hidden from brothers and sisters|what parents never told their children"),
    _theme("artificial minds", "Machine|Algorithm|Android", "machines that begin to think|an artificial intelligence with wishes of its own|computers that know us too well"),
    _theme("war", "Soldier|Siege|Armistice", "soldiers coming home from the war|a city under siege|battles and the silence after them"),
    _theme("friendship", "Companions|Promise|Neighbours", "a friendship that lasts a lifetime|friends who would do anything for each other|the loyalty of old companions"),
    _theme("revenge", "Vengeance|Reckoning|Grudge", "a long prepared revenge|old enemies settling accounts|the bitter price of vengeance"),
    _theme("music", "Violin|Melody|Orchestra", "songs, concerts and the people who play them|a violin with a past|life in an orchestra"),
    _theme("mountains", "Summit|Glacier|Ridge", "climbing the highest summits|mountain huts, ropes and thin air|a winter spent among the peaks"),
    _theme("markets", "Bazaar|Spices|Market", "spices and street markets|stalls full of fruit, cheese and bread|haggling in the bazaar"),
    _theme("dragons", "Dragon|Scales|Fire", "dragons and old legends|a dragon that guards more than gold|myths of fire and scales"),
    _theme("trains", "Railway|Station|Express", "night trains and railway stations|a journey on the express|tracks that lead across a continent"),
    _theme("winter", "Snow|Frost|January", "deep snow and short days|a frozen winter in the north|ice, frost and candlelight"),
    _theme("gardens", "Garden|Orchard|Roses", "gardens, roses and patient hands|an orchard brought back to life|what grows when one waits"),
    _theme("money", "Fortune|Ledger|Gold", "money, debts and greed|how fortunes are won and lost|bankers, stocks and bad loans"),
    _theme("memory", "Memory|Photograph|Echo", "memories that cannot be trusted|a forgotten childhood|old photographs and what they leave out"),
    _theme("exile", "Border|Exile|Suitcase", "life in exile, far from home|refugees, borders and new languages|emigrants with one suitcase"),
    _theme("school days", "Classroom|Schoolyard|Teacher", "school days, teachers and first exams|pupils of a boarding school|growing up in a classroom"),
    _theme("islands", "Island|Lagoon|Castaway", "a small island far from the mainland|castaways on a lonely beach|islanders and their customs"),
    _theme("desert", "Desert|Dunes|Oasis", "caravans crossing the desert|sand, thirst and silence|an oasis among the dunes"),
    _theme("ghosts", "Ghost|Phantom|Spirits", "ghosts that will not leave|the spirits of the dead|a house where something walks at night"),
    _theme("horses", "Horse|Stable|Rider", "horses and those who ride them|a stable in the country|a race that nobody expected to win"),
    _theme("theatre", "Curtain|Stage|Actress", "actors, rehearsals and opening nights|life behind the curtain of a theatre|a play that changes its players"),
    _theme("medicine", "Doctor|Hospital|Cure", "doctors and nurses in a hospital|an epidemic and the search for a cure|surgeons, patients and hope"),
    _theme("espionage", "Spy|Cipher|Agent", "spies, ciphers and double agents|secret services in a divided city|an agent who trusts nobody"),
    _theme("rivers", "River|Ferry|Bridge", "a slow river and its ferrymen|boats, bridges and floods|following a stream from its spring"),
    _theme("the stars", "Stars|Comet|Telescope", "the stars, planets and comets|astronomers at their telescopes|a light in the night sky that nobody can explain"),
    _theme("dogs and cats", "Dog|Cat|Kennel", "a stray dog and its people|cats with strong opinions|the bond between animals and their owners"),
    _theme("crafts", "Workshop|Clockmaker|Loom", "workshops, tools and skilled hands|a clockmaker and his apprentice|weaving, carving and other old crafts"),
    _theme("city nights", "Midnight|Streets|Neon", "bars and neon lights after midnight|a big city that never sleeps|taxi drivers and night clubs"),
    _theme("justice", "Verdict|Judge|Witness", "a trial that divides a town|judges, lawyers and a lone witness|the long way to justice"),
)

STYLES = (
    _style("funny", "Ridiculous|Merry|Unlikely", "Wildly funny, with jokes on every page.|A comic gem that made our reviewers laugh out loud.|Told with wit and an eye for the absurd."),
    _style("lyrical", "Silver|Whispering|Blue", "Written in a lyrical, musical prose.|Each sentence is polished like a poem.|Slow, dreamlike and beautiful."),
    _style("fast-paced", "Last|Running|Sudden", "Breathless and impossible to put down.|Short chapters, constant action, a furious pace.|A page-turner from the first line."),
    _style("dark", "Black|Broken|Buried", "Grim, disturbing and without mercy.|A dark book for strong nerves.|Bleak, bitter and unforgettable."),
    _style("heart-warming", "Gentle|Golden|Kind", "A warm book that leaves one comforted.|Tender, hopeful and full of kindness.|The literary equivalent of a cup of cocoa."),
    _style("scholarly", "Complete|Hidden|Annotated", "Thoroughly researched, with notes and a bibliography.|An academic work of great learning.|Precise and rich in sources, for the serious reader."),
    _style("minimalist", "Plain|Empty|Quiet", "Spare and quiet, not a word too many.|Told in a plain, restrained voice.|Minimalist prose that leaves much unsaid."),
    _style("epic", "Great|Endless|Thousandfold", "A sweeping epic of eight hundred pages.|Vast in scope, with a cast of hundreds.|A monumental work in several volumes."),
)

PLACES = (
    "Lisbon", "Kyoto", "the Scottish Highlands", "Buenos Aires", "a village in Normandy", "Istanbul", "the Baltic coast",
    "New Orleans", "Marrakesh", "a suburb of Berlin", "the plains of Mongolia", "Naples", "Reykjavik", "a town in Ohio",
    "Samarkand", "the Dolomites", "Havana", "Prague", "a fishing port in Galicia", "Cape Town",
)
SURNAMES = (
    "Almeida", "Bergström", "Castellan", "Dubois", "Eriksen", "Farrow", "Grimaldi", "Hoang", "Ibarra", "Jansen",
    "Kowalski", "Lindqvist", "Marlowe", "Nakamura", "Okafor", "Petrov", "Quint", "Rossi", "Sandoval", "Tremblay",
    "Uzun", "Vance", "Whitlock", "Yildiz", "Zeller",
)
# fmt: on
