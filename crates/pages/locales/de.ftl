# Rahmen
footer = Läuft mit Rally
language = Sprache
optional = { $label } (freiwillig)
title-error = Fehler: { $title }

# Formular
email = E-Mail-Adresse
name = Name
join = Auf die Warteliste
choose = Auswählen
yes = Ja
no = Nein
leave-empty = Lass dieses Feld leer
friend-invited = Du wurdest von einem Freund eingeladen
lost-link-ask = Schon auf der Warteliste? Lass dir deinen Link noch einmal schicken
privacy = Datenschutz
terms = Bedingungen
rewards = Prämien
leaders = Wer die meisten Freunde gebracht hat
leader-person = Person
leader-friends = Freunde
friends-count =
    { $count ->
        [one] { $count } Freund
       *[other] { $count } Freunde
    }
captcha-elsewhere = Diese Warteliste verwendet eine Prüfung gegen Roboter, die diese Seite nicht anzeigen kann. Trag dich auf der Website der Warteliste ein.
captcha-open = Zur Website der Warteliste
work-running = Eine kurze Prüfung gegen Roboter läuft
work-script = Diese Warteliste verwendet eine Prüfung gegen Roboter, die JavaScript braucht. Schalte es ein und lade die Seite neu.
work-secure = Diese Warteliste verwendet eine Prüfung gegen Roboter, die eine sichere Verbindung braucht. Öffne die Seite unter einer Adresse, die mit https:// beginnt
sending = Das Formular wird gesendet
form-unavailable = Das Formular kann gerade nicht angezeigt werden
try-again = Noch einmal versuchen
tab-new = (öffnet sich in einem neuen Tab)

# Was im Formular zu ändern ist
errors-title = Prüfe diese Antworten
error-email-missing = Gib deine E-Mail-Adresse ein
error-email = Gib eine E-Mail-Adresse wie name@example.com ein
error-email-taken = Diese Adresse ist schon auf der Warteliste. Gib eine andere ein, oder lass dir deinen Link noch einmal schicken
error-email-disposable = Gib eine Adresse ein, die du behältst. Diese gehört zu einem Dienst für Wegwerfadressen
error-email-no-mail = Gib eine andere Adresse ein. Die Domain von dieser nimmt keine Mails an
error-email-other = Gib eine andere Adresse ein. Diese kann hier nicht verwendet werden
error-name-missing = Gib deinen Namen ein
error-missing = Fülle „{ $label }“ aus
error-choose = Wähle etwas für „{ $label }“ aus
error-number = Gib für „{ $label }“ eine Zahl in Ziffern ein
error-url = Gib für „{ $label }“ eine Webadresse wie https://example.com ein
error-field-email = Gib für „{ $label }“ eine E-Mail-Adresse wie name@example.com ein
error-tel = Gib für „{ $label }“ eine Telefonnummer wie +49 30 901820 ein
error-date = Gib für „{ $label }“ ein Datum ein
error-long =
    { $max ->
        [one] Kürze „{ $label }“ auf { $max } Zeichen
       *[other] Kürze „{ $label }“ auf { $max } Zeichen
    }
error-characters = Verwende für „{ $label }“ nur Buchstaben, Ziffern und übliche Zeichen
error-consent = Setze das Häkchen, um dich einzutragen
error-check = Die Prüfung gegen Roboter hat nicht geklappt. Schick das Formular noch einmal ab
error-too-fast = Sieh deine Antworten noch einmal an und schick das Formular ab
error-form = Sieh deine Antworten noch einmal an und schick das Formular ab. Etwas davon ließ sich nicht speichern
error-unavailable = Das Formular konnte nicht gesendet werden. Versuch es gleich noch einmal
error-too-often =
    { $minutes ->
        [one] Das war zu oft. Warte eine Minute und schick das Formular noch einmal ab
       *[other] Das war zu oft. Warte { $minutes } Minuten und schick das Formular noch einmal ab
    }
error-network = Es gibt keine Verbindung. Prüfe sie und schick das Formular noch einmal ab

# Eine Warteliste ohne Formular
paused-title = Diese Warteliste macht Pause
paused-body = Im Moment kann sich niemand eintragen. Schau später wieder vorbei.
closed-title = Diese Warteliste ist geschlossen
closed-body = Es kann sich niemand mehr eintragen. Wer auf der Warteliste ist, behält seinen Platz.
full-title = Diese Warteliste ist voll
full-body = Alle Plätze sind vergeben. Schau später wieder vorbei, denn es können Plätze frei werden.

# Nach dem Formular
mailbox-title = Sieh in dein Postfach
mailbox-body = Eine Mail mit einem Link ist unterwegs zu dir. Öffne den Link, um deinen Platz zu bestätigen.
mailbox-hours =
    { $hours ->
        [one] Der Link gilt { $hours } Stunde.
       *[other] Der Link gilt { $hours } Stunden.
    }
mailbox-days =
    { $days ->
        [one] Der Link gilt { $days } Tag.
       *[other] Der Link gilt { $days } Tage.
    }
mailbox-spam = Wenn nach ein paar Minuten nichts da ist, sieh im Spam-Ordner nach. Du kannst das Formular auch noch einmal abschicken.
form-open = Zum Formular
form-back = Zurück zum Formular

# Die eigene Seite
joined-title = Du bist auf der Warteliste
place = Dein Platz
ahead =
    { $ahead ->
        [0] Niemand ist vor dir
        [one] { $ahead } Person ist vor dir
       *[other] { $ahead } Personen sind vor dir
    }
total =
    { $total ->
        [one] { $total } Person ist auf der Warteliste
       *[other] { $total } Personen sind auf der Warteliste
    }
review-waiting = Deine Anmeldung wartet auf Freigabe
review-approved = Deine Anmeldung ist freigegeben
rejected-title = Diesmal nicht
rejected-body = Danke für dein Interesse. Diesmal gibt es keinen Platz für dich.
move-up = Nach vorn rücken
move-up-body =
    { $boost ->
        [one] Jeder Freund, der über deinen Link dazukommt, kann dich { $boost } Platz nach vorn bringen.
       *[other] Jeder Freund, der über deinen Link dazukommt, kann dich bis zu { $boost } Plätze nach vorn bringen.
    }
invite = Freunde einladen
invite-body = Deine Freunde können sich über deinen Link eintragen.
share-link = Dein Link für Freunde
copy = Link kopieren
copied = Kopiert
share = Teilen
share-mail = Per Mail teilen
share-text = Ich bin auf der Warteliste „{ $list }“. Über meinen Link kannst du dich eintragen:
share-closed = Freunde können sich nicht mehr eintragen. Du behältst deinen Platz.
share-later = Freunde können sich im Moment nicht eintragen. Du behältst deinen Platz und deinen Link für sie.
reward-next =
    { $remaining ->
        [one] Noch { $remaining } Freund bis: { $reward }
       *[other] Noch { $remaining } Freunde bis: { $reward }
    }
reward-reached = Erreicht
friends = Deine Freunde
friends-none = Über deinen Link hat sich noch niemand eingetragen.
friend-left = Ein Freund, der gegangen ist
friend-joined = Dabei
friend-waiting = Wartet
friends-more =
    { $count ->
        [one] Und { $count } weiterer
       *[other] Und { $count } weitere
    }
answers = Deine Antworten
answers-save = Antworten speichern
saved = Gespeichert
language-save = Sprache speichern
mail = Mails
mail-on = Du bekommst Mails von diesem Absender.
mail-off = Du bekommst keine Mails von diesem Absender.
mail-stop = Mails abbestellen
mail-start = Mails bekommen
data = Deine Daten
data-body = Alles, was über dich gespeichert ist, in einer Datei.
data-download = Deine Daten herunterladen
joined-on = Eingetragen
confirmed-on = Adresse bestätigt
own-link = Diese Seite gehört dir. Wer ihre Adresse hat, kann deine Anmeldung ändern oder löschen.
leave = Warteliste verlassen

# Verlassen
leave-title = „{ $list }“ verlassen?
leave-body = Dein Platz, deine Antworten und dein Link werden gelöscht. Das lässt sich nicht rückgängig machen.
leave-friends = Freunde, die über deinen Link gekommen sind, behalten ihre Plätze.
leave-button = Verlassen und meine Daten löschen
leave-keep = Meinen Platz behalten
left-title = Du hast die Warteliste verlassen
left-body = Deine Daten sind gelöscht. Du kannst dich jederzeit wieder eintragen.

# Bestätigen
confirm-title = Bestätige deine Anmeldung
confirm-body = Dann bekommst du deinen Platz auf der Warteliste.
confirm-list = Warteliste
confirm-until = Bestätigen bis
confirm-button = Bestätigen
confirm-refuse = Das war ich nicht
confirmed-title = Deine Anmeldung ist bestätigt
confirmed-body = Hier ist nichts mehr zu tun.
page-open = Deine Seite öffnen
expired-title = Dieser Link ist abgelaufen
expired-body = Schick das Formular noch einmal ab, um einen neuen Link zu bekommen.
refused-title = Die Anmeldung ist gelöscht
refused-body = Du bekommst von diesem Absender keine Mails mehr.
refuse-title = Warst du das nicht?
refuse-body = Dann wird die Anmeldung gelöscht, und du bekommst von diesem Absender keine Mails mehr.
refuse-button = Anmeldung löschen
refuse-back = Das war ich

# Mails
unsubscribe-title = Mails dieses Absenders abbestellen?
unsubscribe-body = An { $email } gehen keine Mails dieses Absenders mehr, zu keiner Warteliste. Du behältst deinen Platz.
unsubscribe-button = Mails abbestellen
unsubscribed-title = Du bekommst keine Mails mehr
unsubscribed-body = Du behältst deinen Platz auf der Warteliste.

# Ein verlorener Link
lost-title = Deinen Link noch einmal bekommen
lost-body = Gib die Adresse ein, mit der du dich eingetragen hast. Dorthin geht der Link zu deiner Seite.
lost-button = Link schicken
lost-sent-body = Wenn diese Adresse auf der Warteliste ist, ist eine Mail mit dem Link unterwegs.

# Wenn etwas nicht geht
not-found-title = Unter dieser Adresse ist nichts
not-found-body = Die Adresse ist unvollständig, oder sie gilt nicht mehr. Öffne die neueste Mail, die du hast.
forbidden-title = Dieses Formular gehört zu einer anderen Website
forbidden-body = Öffne die Seite der Warteliste und schick das Formular von dort ab.
method-title = Das kann diese Seite nicht
method-body = Öffne die Adresse noch einmal.
gone-title = Dieser Link ist abgelaufen
gone-body = Öffne die neueste Mail, die du hast, oder schick das Formular noch einmal ab.
unprocessable-title = Das hat nicht geklappt
unprocessable-body = Geh zurück, sieh deine Eingaben noch einmal an und versuch es erneut.
too-often-title = Das war zu oft
too-often-body =
    { $minutes ->
        [one] Warte eine Minute und versuch es dann erneut.
       *[other] Warte { $minutes } Minuten und versuch es dann erneut.
    }
broken-title = Diese Seite kann gerade nicht angezeigt werden
broken-body = Es ist nichts verloren. Versuch es gleich noch einmal.
request-id = Nummer für Fragen dazu

# Die erste Seite eines Servers
index-title = Rally läuft
index-body = Dieser Server führt Wartelisten.
index-console = Konsole öffnen
index-docs = Dokumentation der API lesen

# Daten
first-day = 1
date =
    { $month ->
        [1] { $day }. Januar { $year }
        [2] { $day }. Februar { $year }
        [3] { $day }. März { $year }
        [4] { $day }. April { $year }
        [5] { $day }. Mai { $year }
        [6] { $day }. Juni { $year }
        [7] { $day }. Juli { $year }
        [8] { $day }. August { $year }
        [9] { $day }. September { $year }
        [10] { $day }. Oktober { $year }
        [11] { $day }. November { $year }
       *[12] { $day }. Dezember { $year }
    }
