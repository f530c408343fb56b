"""One small story in many languages."""

STORIES = {
    "en": (
        "The old lighthouse stood at the end of the pier, and every evening its keeper climbed the narrow stairs to "
        "light the lamp. Ships passed far out at sea, and nobody in the village could say where they were going."
    ),
    "de": (
        "Der alte Leuchtturm stand am Ende der Mole, und jeden Abend stieg der Wärter die schmale Treppe hinauf, um "
        "die Lampe anzuzünden. Schiffe fuhren weit draußen vorbei, und niemand wusste, wohin sie unterwegs waren."
    ),
    "fr": (
        "Le vieux phare se dressait au bout de la jetée, et chaque soir le gardien montait l'escalier étroit pour "
        "allumer la lampe. Des navires passaient au large, et personne au village ne savait où ils allaient."
    ),
    "es": (
        "El viejo faro estaba al final del muelle, y cada tarde el guardián subía la escalera estrecha para encender "
        "la lámpara. Los barcos pasaban lejos de la costa, y nadie en el pueblo sabía adónde iban."
    ),
    "it": (
        "Il vecchio faro stava alla fine del molo, e ogni sera il guardiano saliva la scala stretta per accendere la "
        "lampada. Le navi passavano lontano, e nessuno nel villaggio sapeva dove andassero."
    ),
    "nl": (
        "De oude vuurtoren stond aan het einde van de pier, en elke avond klom de wachter de smalle trap op om de lamp "
        "aan te steken. Schepen voeren ver op zee voorbij, en niemand in het dorp wist waar ze heen gingen."
    ),
    "pl": (
        "Stara latarnia morska stała na końcu mola i każdego wieczoru strażnik wchodził wąskimi schodami, aby zapalić "
        "lampę. Statki przepływały daleko na morzu i nikt we wsi nie wiedział, dokąd płyną."
    ),
    "fi": (
        "Vanha majakka seisoi laiturin päässä, ja joka ilta vartija kiipesi kapeita portaita sytyttämään lampun. "
        "Laivat kulkivat kaukana merellä, eikä kukaan kylässä tiennyt, minne ne olivat menossa."
    ),
    "tr": (
        "Eski deniz feneri iskelenin ucunda duruyordu ve bekçi her akşam lambayı yakmak için dar merdivenleri "
        "çıkıyordu. Gemiler açıklardan geçiyordu ve köyde kimse onların nereye gittiğini bilmiyordu."
    ),
    "ru": (
        "Старый маяк стоял в конце пирса, и каждый вечер смотритель поднимался по узкой лестнице, чтобы зажечь лампу. "
        "Корабли проходили далеко в море, и никто в деревне не знал, куда они идут."
    ),
    "el": (
        "Ο παλιός φάρος βρισκόταν στην άκρη της προβλήτας και κάθε βράδυ ο φύλακας ανέβαινε τη στενή σκάλα για να "
        "ανάψει τη λάμπα. Τα πλοία περνούσαν μακριά και κανείς στο χωριό δεν ήξερε πού πήγαιναν."
    ),
    "ja": "古い灯台は桟橋の端に立っていて、毎晩、灯台守は狭い階段を上って明かりをともした。船は遠い沖を通り過ぎた。",
}
