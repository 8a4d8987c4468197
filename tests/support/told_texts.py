"""Items with true texts about them, and 200 texts into which an invention was planted: the grounding's test set."""

from __future__ import annotations

import random
from typing import Any

Told = tuple[dict[str, Any], str]

ITEMS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "title": "Heat (1995)",
            "category": "crime",
            "tags": ["thriller", "bank robbery", "Los Angeles"],
            "description": "A detective hunts a crew of thieves led by Neil McCauley.",
        },
        [
            "The film from 1995 follows a detective who hunts a crew of thieves in Los Angeles.",
            "Heat is a crime thriller about a bank robbery and the man behind it, Neil McCauley.",
            "Gripping from the first robbery to the last, it pits a detective against thieves.",
            "Set in Los Angeles, this thriller of the 1990s suits everyone who likes a clever robbery.",
            "McCauley's crew robs banks; a detective will not let go.",
            "Tense and patient: a crime story for viewers who enjoy a long hunt.",
        ],
    ),
    (
        {"title": "Cast Iron Skillet 26 cm", "category": "kitchen", "tags": ["cookware", "induction"], "price": 39.9},
        [
            "This skillet measures 26 cm and works on induction.",
            "A heavy piece of cookware for the kitchen. It costs 39.90.",
            "The skillet is made of iron; at 39.90 it is built for years of frying.",
            "Ideal for searing, it sits flat on induction hobs.",
            "Cookware that lasts: cast iron, 26 cm wide.",
            "It holds heat well and goes from hob to oven.",
        ],
    ),
    (
        {
            "title": "The Left Hand of Darkness",
            "category": "science fiction",
            "tags": ["novel", "Ursula K. Le Guin"],
            "description": "An envoy comes to the planet Gethen, where winter never ends.",
            "year": 1969,
        },
        [
            "Ursula K. Le Guin sends an envoy to Gethen, a planet of endless winter.",
            "The novel appeared in 1969 and is a classic of science fiction.",
            "“The Left Hand of Darkness” tells of an envoy and of winter.",
            "Thoughtful science fiction from the 1960s, for readers who take their time.",
            "On Gethen, winter rules; an envoy has to win trust.",
            "Le Guin's story is quiet, cold and wise.",
        ],
    ),
    (
        {
            "title": "Merino Hiking Socks, 3 pairs",
            "category": "outdoor",
            "tags": ["wool", "socks"],
            "price": 24,
            "chosen_along": ["Trail Boots Mid", "Trekking Poles"],
        },
        [
            "Three pairs of warm socks made of wool for long hikes.",
            "The set holds 3 pairs and costs 24.",
            "Often chosen along with Trail Boots Mid and Trekking Poles.",
            "Soft merino keeps feet dry on the trail.",
            "Hikers who own Trekking Poles like these socks.",
            "It is a pack of three, light enough for summer.",
        ],
    ),
    (
        {
            "title": "Toy Story (1995)",
            "category": "animation",
            "tags": ["children", "comedy", "Pixar"],
            "description": "A cowboy doll is jealous of a new spaceman, Buzz Lightyear.",
        },
        [
            "Toy Story is an animation by Pixar for children and their parents.",
            "A cowboy doll meets Buzz Lightyear and is jealous at once.",
            "Funny, warm and quick, this comedy from 1995 pleases all ages.",
            "Pixar brings toys to life: a cowboy, a spaceman and plenty of comedy.",
            "Children laugh at Buzz; parents laugh at the cowboy.",
            "The comedy lives from a doll who fears to be forgotten.",
        ],
    ),
    (
        {
            "title": "Wireless Headphones QX-200",
            "category": "audio",
            "tags": ["bluetooth", "noise cancelling"],
            "price": 129.0,
            "description": "Up to 30 hours of battery. Folds flat. Weighs 250 g.",
        },
        [
            "The QX-200 plays for up to 30 hours and weighs 250 g.",
            "These headphones cancel noise and connect by bluetooth.",
            "For 129 you get wireless audio that folds flat.",
            "Commuters will value the battery of 30 hours.",
            "Light at 250 g, they fold flat into any bag.",
            "Noise cancelling makes long flights quiet.",
        ],
    ),
    (
        {
            "title": "Espresso Blend Roma",
            "category": "coffee",
            "tags": ["beans", "dark roast", "Brazil"],
            "price": 14.5,
            "description": "Notes of cocoa and hazelnut. 1 kg bag.",
        },
        [
            "Roma is a dark roast with notes of cocoa and hazelnut.",
            "The beans come from Brazil in a bag of 1 kg.",
            "Dark, round and sweet, this espresso suits milk drinks.",
            "At 14.50 the bag holds a whole kilogram of beans.",
            "Espresso lovers find cocoa first, then hazelnut.",
            "It smells of cocoa and makes a thick crema.",
        ],
    ),
    (
        {
            "title": "Settlers of the Coast",
            "category": "board game",
            "tags": ["strategy", "family", "2 to 4 players"],
            "description": "Trade wool and brick, build towns, reach ten points.",
        },
        [
            "Two to four players trade wool and brick and build towns.",
            "The game ends when somebody reaches ten points.",
            "Settlers of the Coast is a strategy game for the family.",
            "Trading decides everything: wool for brick, brick for towns.",
            "Families with children can learn it in one evening.",
            "Whoever has 10 points first wins.",
        ],
    ),
    (
        {"title": "Norwegian Wood", "category": "novel", "tags": ["Haruki Murakami", "Tokyo", "love"], "year": 1987},
        [
            "Haruki Murakami tells a love story from Tokyo.",
            "Norwegian Wood, a novel of 1987, is sad and tender.",
            "Murakami's Tokyo is full of students, records and loss.",
            "Tender and slow, it is a novel about love and memory.",
            "Readers return to it for its quiet voice.",
            "The story looks back on the late 1980s.",
        ],
    ),
    (
        {
            "title": "LED Desk Lamp Arc",
            "category": "lighting",
            "tags": ["dimmable", "USB"],
            "price": 45,
            "description": "Five levels of brightness and a USB port.",
        },
        [
            "The Arc has five levels of brightness and a USB port.",
            "A dimmable lamp for the desk; it costs 45.",
            "Students charge a phone at the USB port while they read.",
            "Bright or soft, the light has 5 levels.",
            "Its arm bends where you need it.",
            "Good light for late work, and easy on the eyes.",
        ],
    ),
]
MORE = {  # written after the rules and the words were settled
    "Heat (1995)": [
        "Cops and robbers were rarely this evenly matched.",
        "Nobody in this crime story gets away clean.",
        "Robbers plan, the detective waits, Los Angeles burns.",
        "Dialogue and gunfire share the stage in this thriller.",
    ],
    "Cast Iron Skillet 26 cm": [
        "Searing, baking, frying: one pan does it all.",
        "Iron of this weight forgives a hot flame.",
        "Rinse, dry, oil, and the skillet outlives its owner.",
        "Induction hobs are no problem.",
    ],
    "The Left Hand of Darkness": [
        "Gethen's people and its endless winter stay with you.",
        "Politics, trust and ice meet in this novel.",
        "Slow pages reward those who stay.",
        "Envoys rarely had a harder task.",
    ],
    "Merino Hiking Socks, 3 pairs": [
        "Wool breathes, warms and dries overnight.",
        "Blisters have little chance here.",
        "Pack all 3 pairs for a week on the trail.",
        "Boots and poles are what people add.",
    ],
    "Toy Story (1995)": [
        "Toys talk when children leave the room.",
        "Jealousy drives the cowboy to a foolish deed.",
        "Laughs come fast, and so do tears.",
        "Parents get as many jokes as children.",
    ],
    "Wireless Headphones QX-200": [
        "Battery life of 30 hours covers a week of commuting.",
        "Silence arrives at the push of a button.",
        "Weighing 250 g, they are hardly felt.",
        "Bluetooth pairs in a moment.",
    ],
    "Espresso Blend Roma": [
        "Cocoa leads, hazelnut follows.",
        "Milk softens the dark roast without drowning it.",
        "Roast lovers will finish the bag quickly.",
        "Brazil supplies the beans.",
    ],
    "Settlers of the Coast": [
        "Brick and wool change hands all evening.",
        "Towns grow until somebody has ten points.",
        "Luck matters, but strategy wins.",
        "Kids can follow it.",
    ],
    "Norwegian Wood": [
        "Tokyo hums in the background of a quiet love story.",
        "Memory is the true hero here.",
        "Loss and youth fill this novel.",
        "Music opens the door to the past.",
    ],
    "LED Desk Lamp Arc": [
        "Dim it for films, brighten it for homework.",
        "Charging by USB saves a socket.",
        "Engineers would call it tidy.",
        "Levels of light change with one touch.",
    ],
}
PEOPLE = ["Steven Spielberg", "Maria Callan", "Jonas Weber", "Akira Tanaka", "Priya Nair", "Olga Petrova"]
BRANDS = ["Bosch", "Sony", "Patagonia", "Lavazza", "Philips", "Ravensburger"]
PLACES = ["Berlin", "Osaka", "Nairobi", "Vermont", "Lisbon", "Quebec"]
TITLES = ["The Godfather", "Dune", "Blade Runner", "Emma", "Catch the Wind", "Silent River"]
HONORS = ["an Oscar", "the Booker Prize", "a Grammy", "the Red Dot award"]


def true_texts() -> list[Told]:
    """Every true text with its facts."""
    return [(facts, text) for facts, texts in ITEMS for text in [*texts, *MORE[facts["title"]]]]


def planted(n: int = 200, seed: int = 5) -> list[tuple[dict[str, Any], str, str]]:
    """Facts, a true text with one invention in it, and the kind of invention; every kind equally often."""
    rng = random.Random(seed)
    told = true_texts()
    made = []
    for number in range(n):
        facts, text = rng.choice(told)
        kind = KINDS[number % len(KINDS)]
        person, brand, place, title = rng.choice(PEOPLE), rng.choice(BRANDS), rng.choice(PLACES), rng.choice(TITLES)
        sentence = {
            "person": f"It is by {person}.",
            "person first": f"{person.split()[1]} gives it a sure hand.",
            "lower case": f"It was made by {person.lower()}.",
            "brand": f"It comes from {brand}, whom many trust.",
            "place": f"It is at home in {place}.",
            "title": f"Fans of {title} will like it.",
            "quoted": f"Critics called it “{rng.choice(['a triumph', 'the best of its kind', 'pure joy'])}”.",
            "year": f"It dates from {rng.choice([1948, 1972, 2003, 2018, 2021])}.",
            "number": f"It has {rng.choice([17, 48, 365, 7200])} parts.",
            "number word": f"It took {rng.choice(['seven', 'twelve', 'forty'])} years to make.",
            "price": f"It costs only {rng.choice(['9.99', '499', '1,250'])}.",
            "honor": f"It won {rng.choice(HONORS)}.",
        }[kind]
        made.append((facts, f"{text} {sentence}" if rng.random() < 0.5 else f"{sentence} {text}", kind))
    return made


KINDS = ("person", "person first", "lower case", "brand", "place", "title", "quoted", "year", "number", "number word",
         "price", "honor")  # fmt: skip
