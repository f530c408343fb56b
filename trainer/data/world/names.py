"""The names of the invented world, put together from plain words.

A name is a pair of words from two lists: every word becomes one piece of a small vocabulary, while most pairs are rare.
The seed shuffles the pairs of a kind; the last eighth belongs to the dev towns alone. So dev names are new, and made of
words that pretraining knows.
"""

import random
from typing import Literal

NameKind = Literal["person", "town", "river", "product"]

_WORDS: dict[NameKind, tuple[str, str]] = {
    "person": (
        """
        Ada Agnes Albert Alice Amos Anna Arno Basil Bella Bruno Carl Clara Conrad Cora Daisy David Dora Edith Edgar
        Elias Ella Emil Emma Ernest Esther Felix Flora Frank Frida George Gerda Greta Gustav Hanna Harold Hector Helen
        Henry Hilda Hugo Ida Ines Irma Isaac Ivan Jacob James Jane Jasper Johan Julia Karin Kasper Laura Leo Lena Linus
        Lucy Magda Marco Maria Martha Martin Matilda Max Mila Minna Nadia Nelly Nils Nora Olga Oliver Oscar Otto Paula
        Peter Philip Rita Robert Rosa Ruben Rufus Ruth Samuel Sara Selma Simon Sophie Stella Sven Thea Theo Thomas Tilda
        Tobias Ursula Vera Victor Viola Walter Wanda Willem Xenia Yvonne Zora
        """,
        """
        Abbot Archer Baker Barber Bishop Bowman Brewer Butler Carder Carter Carver Chandler Cooper Crane Cutler Dale
        Draper Dyer Elder Falconer Farmer Faber Fielding Finch Fisher Fletcher Forester Fowler Fuller Gardener Garland
        Glover Granger Hale Harper Hatter Hawkins Hayward Heller Hobbs Holloway Hooper Hunter Jarvis Joyner Keeler Kemp
        Lambert Larkin Linden Lister Lorimer Lovell Mason Mercer Merton Milner Moss Naylor Nestor Norris Oakley Osborn
        Packer Page Painter Parker Parson Perkins Piper Plummer Porter Potter Quiller Ransom Reeve Roper Rowley Sadler
        Salter Sawyer Sexton Shearer Shepherd Skinner Slater Sloane Spencer Spicer Steward Tanner Taylor Thatcher Tiller
        Tinker Tolland Trotter Tucker Turner Tyler Vance Vogel Waller Warden Weaver Webster Wheeler Whitman Winter
        """,
    ),
    "town": (
        """
        Acorn Alder Amber Anchor Apple Ash Aspen Badger Barley Bear Beaver Beech Bell Berry Birch Black Blue Bramble
        Brass Bright Bronze Broom Buck Cedar Chalk Cherry Clay Clover Cold Copper Coral Corn Crow Dark Deer Dove Dragon
        Dry Eagle East Elm Ember Falcon Far Fern Fir Flax Flint Fog Fox Frost Goat Gold Goose Granite Grass Green Grey
        Hare Hawk Hazel Heather Hemp Heron Hollow Holly Honey Horse Iron Ivory Ivy Juniper King Lamb Lark Laurel Lead
        Lime Lion Little Long Maple Marble Marten Mint Mist Moon Mule New North Oak Oat Old Olive Otter Owl Ox Pear
        Pebble Pepper Pike Pine Plum Poplar Queen Rabbit Ram Raven Red Robin Rose Rowan Rye Saffron Salmon Salt Sand
        Seal Sedge Sheep Shell Short Silk Six Sky Sloe Smoke Snipe Snow South Spruce Stag Star Steep Stork Straw Sugar
        Sun Swallow Swan Tall Ten Thistle Thorn Thrush Thunder Tiger Tin Trout Tulip Turf Twin Velvet Vine Violet Walnut
        Wheat Willow Wind Wolf Wood Wool Yew
        """,
        """
        Abbey Acre Arch Bank Barn Barrow Bay Beach Bend Bluff Bottom Bridge Burgh Cairn Camp Cape Castle Cave Chapel
        Chase Church Cliff Close Common Corner Cottage Court Cove Crag Croft Cross Dell Den Dock Down Edge End Fall Farm
        Fell Fen Ferry Field Fold Ford Forge Fort Garden Garth Gate Glade Glen Gorge Grange Green Grove Hall Ham Harbour
        Haven Head Heath Hedge Height Hill Holm Hook House Hurst Inn Island Keep Kirk Knoll Lane Lea Ledge Lock Lodge
        Manor Market Marsh Mead Meadow Mere Mill Minster Moor Mound Mount Nook Orchard Park Pass Path Place Plain Point
        Pond Pool Port Quay Ridge Rise Rock Row Shore Slope Spring Square Stead Stone Thorpe Tower Vale
        """,
    ),
    "river": (
        """
        Ancient Bitter Blind Broken Brown Busy Calm Clear Crooked Dancing Deep Eager Fair Fast Gentle Glad Golden Grave
        Heavy Hidden Humble Hungry Idle Kind Lazy Light Lonely Lost Loud Merry Mighty Narrow Noble Pale Patient Proud
        Quick Quiet Restless Rough Shallow Shining Silent Silver Sleepy Slow Smooth Soft Steady Stormy Strong Sweet
        Swift Tame Thirsty Troubled Wandering Warm White Wide Wild Winding Wise Young
        """,
        """
        Aran Belle Brae Cam Derwen Dorn Eden Elver Esk Fal Garno Heddon Isar Jura Kell Lugg Mardle Nadder Ouse Pang Rill
        Sence Tamar Till Usk Vyre Wye Yarrow
        """,
    ),
    "product": (
        """
        black blue brown fine green grey heavy light plain red rough small soft strong white yellow
        """,
        """
        baskets bells boats bread candles carpets chairs cheese cider clocks cloth combs glass gloves hats knives lace
        lamps paper pots
        """,
    ),
}


def names(seed: int, *, dev: bool) -> dict[NameKind, list[str]]:
    """All names that belong to the dev towns, or all that belong to the others, in the seed's order."""
    return {kind: _names(kind, seed, dev=dev) for kind in _WORDS}


def _names(kind: NameKind, seed: int, *, dev: bool) -> list[str]:
    first, second = (words.split() for words in _WORDS[kind])
    pairs = [f"{one} {other}" for one in first for other in second if one != other]
    random.Random(f"names {seed} {kind}").shuffle(pairs)
    boundary = len(pairs) * 7 // 8
    return pairs[boundary:] if dev else pairs[:boundary]
