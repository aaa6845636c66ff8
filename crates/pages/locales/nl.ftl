# Kader
footer = Draait op Rally
language = Taal
optional = { $label } (optioneel)
title-error = Fout: { $title }

# Formulier
email = E-mailadres
name = Naam
join = Op de wachtlijst
choose = Kies een optie
yes = Ja
no = Nee
leave-empty = Laat dit veld leeg
friend-invited = Je bent uitgenodigd door een vriend
lost-link-ask = Sta je al op de wachtlijst? Ontvang je link opnieuw
privacy = Privacybeleid
terms = Voorwaarden
rewards = Beloningen
leaders = Wie de meeste vrienden bracht
leader-person = Persoon
leader-friends = Vrienden
friends-count =
    { $count ->
        [one] { $count } vriend
       *[other] { $count } vrienden
    }
captcha-elsewhere = Deze wachtlijst gebruikt een controle tegen robots die deze pagina niet kan tonen. Schrijf je in op de website van de wachtlijst.
captcha-open = Naar de website van de wachtlijst
work-running = Er loopt een korte controle tegen robots
work-script = Deze wachtlijst gebruikt een controle tegen robots die JavaScript nodig heeft. Zet het aan en laad de pagina opnieuw.
work-secure = Deze wachtlijst gebruikt een controle tegen robots die een beveiligde verbinding nodig heeft. Open de pagina op een adres dat begint met https://
sending = Het formulier wordt verstuurd
form-unavailable = Het formulier kan nu niet worden getoond
try-again = Opnieuw proberen
tab-new = (opent in een nieuw tabblad)

# Wat er in een formulier moet veranderen
errors-title = Controleer deze antwoorden
error-email-missing = Vul je e-mailadres in
error-email = Vul een e-mailadres in zoals naam@example.com
error-email-taken = Dit adres staat al op de wachtlijst. Vul een ander adres in of vraag je link opnieuw aan
error-email-disposable = Vul een adres in dat je houdt. Dit adres is van een dienst voor wegwerpadressen
error-email-no-mail = Vul een ander adres in. Het domein van dit adres ontvangt geen mail
error-email-other = Vul een ander adres in. Dit adres kan hier niet worden gebruikt
error-name-missing = Vul je naam in
error-missing = Vul ‘{ $label }’ in
error-choose = Kies een optie voor ‘{ $label }’
error-number = Vul bij ‘{ $label }’ een getal in cijfers in
error-url = Vul bij ‘{ $label }’ een webadres in zoals https://example.com
error-field-email = Vul bij ‘{ $label }’ een e-mailadres in zoals naam@example.com
error-tel = Vul bij ‘{ $label }’ een telefoonnummer in zoals +31 20 123 4567
error-date = Vul bij ‘{ $label }’ een datum in
error-long =
    { $max ->
        [one] Kort ‘{ $label }’ in tot { $max } teken
       *[other] Kort ‘{ $label }’ in tot { $max } tekens
    }
error-characters = Gebruik bij ‘{ $label }’ alleen letters, cijfers en gewone tekens
error-consent = Vink het vakje aan om je in te schrijven
error-check = De controle tegen robots is niet gelukt. Verstuur het formulier opnieuw
error-too-fast = Bekijk je antwoorden nog eens en verstuur het formulier opnieuw
error-form = Bekijk je antwoorden nog eens en verstuur het formulier opnieuw. Iets ervan kon niet worden opgeslagen
error-unavailable = Het formulier kon niet worden verstuurd. Probeer het zo nog eens
error-too-often =
    { $minutes ->
        [one] Dat was te vaak. Wacht een minuut en verstuur het formulier opnieuw
       *[other] Dat was te vaak. Wacht { $minutes } minuten en verstuur het formulier opnieuw
    }
error-network = Er is geen verbinding. Controleer die en verstuur het formulier opnieuw

# Een wachtlijst zonder formulier
paused-title = Deze wachtlijst is gepauzeerd
paused-body = Niemand kan zich nu inschrijven. Kom later terug.
closed-title = Deze wachtlijst is gesloten
closed-body = Niemand kan zich meer inschrijven. Wie op de wachtlijst staat, houdt zijn plaats.
full-title = Deze wachtlijst is vol
full-body = Alle plaatsen zijn bezet. Kom later terug, want er kunnen plaatsen vrijkomen.

# Na het formulier
mailbox-title = Kijk in je mailbox
mailbox-body = Er is een mail met een link naar je onderweg. Open de link om je plaats te bevestigen.
mailbox-hours =
    { $hours ->
        [one] De link werkt { $hours } uur.
       *[other] De link werkt { $hours } uur.
    }
mailbox-days =
    { $days ->
        [one] De link werkt { $days } dag.
       *[other] De link werkt { $days } dagen.
    }
mailbox-spam = Is er na een paar minuten niets, kijk dan in de map met spam. Je kunt het formulier ook opnieuw versturen.
form-open = Naar het formulier
form-back = Terug naar het formulier

# De pagina van een persoon
joined-title = Je staat op de wachtlijst
place = Jouw plaats
ahead =
    { $ahead ->
        [0] Er staat niemand voor je
        [one] Er staat { $ahead } persoon voor je
       *[other] Er staan { $ahead } mensen voor je
    }
total =
    { $total ->
        [one] Er staat { $total } persoon op de wachtlijst
       *[other] Er staan { $total } mensen op de wachtlijst
    }
review-waiting = Je inschrijving wacht op goedkeuring
review-approved = Je inschrijving is goedgekeurd
rejected-title = Deze keer niet
rejected-body = Dank je voor je interesse. Deze keer is er geen plaats voor je.
move-up = Schuif op
move-up-body =
    { $boost ->
        [one] Met elke vriend die zich via jouw link inschrijft, kun je { $boost } plaats opschuiven.
       *[other] Met elke vriend die zich via jouw link inschrijft, kun je tot { $boost } plaatsen opschuiven.
    }
invite = Nodig vrienden uit
invite-body = Je vrienden kunnen zich via jouw link inschrijven.
share-link = Jouw link voor vrienden
copy = Link kopiëren
copied = Gekopieerd
share = Delen
share-mail = Delen per mail
share-text = Ik sta op de wachtlijst ‘{ $list }’. Via mijn link kun jij je ook inschrijven:
share-closed = Vrienden kunnen zich niet meer inschrijven. Je houdt je plaats.
share-later = Vrienden kunnen zich nu niet inschrijven. Je houdt je plaats en je link voor hen.
reward-next =
    { $remaining ->
        [one] Nog { $remaining } vriend tot: { $reward }
       *[other] Nog { $remaining } vrienden tot: { $reward }
    }
reward-reached = Behaald
friends = Jouw vrienden
friends-none = Nog niemand heeft zich via jouw link ingeschreven.
friend-left = Een vriend die is vertrokken
friend-joined = Ingeschreven
friend-waiting = In afwachting
friends-more =
    { $count ->
        [one] En nog { $count }
       *[other] En nog { $count }
    }
answers = Jouw antwoorden
answers-save = Antwoorden opslaan
saved = Opgeslagen
language-save = Taal opslaan
mail = Mail
mail-on = Je krijgt mail van deze afzender.
mail-off = Je krijgt geen mail van deze afzender.
mail-stop = Afmelden voor mail
mail-start = Mail ontvangen
data = Jouw gegevens
data-body = Alles wat over jou is opgeslagen, in één bestand.
data-download = Je gegevens downloaden
joined-on = Ingeschreven
confirmed-on = Adres bevestigd
own-link = Deze pagina is van jou. Wie het adres heeft, kan je inschrijving wijzigen of verwijderen.
leave = De wachtlijst verlaten

# Verlaten
leave-title = ‘{ $list }’ verlaten?
leave-body = Je plaats, je antwoorden en je link worden verwijderd. Dit kan niet ongedaan worden gemaakt.
leave-friends = Vrienden die zich via jouw link inschreven, houden hun plaats.
leave-button = Verlaten en mijn gegevens verwijderen
leave-keep = Mijn plaats houden
left-title = Je hebt de wachtlijst verlaten
left-body = Je gegevens zijn verwijderd. Je kunt je altijd opnieuw inschrijven.

# Bevestigen
confirm-title = Bevestig je inschrijving
confirm-body = Dan krijg je je plaats op de wachtlijst.
confirm-list = Wachtlijst
confirm-until = Bevestigen voor
confirm-button = Bevestigen
confirm-refuse = Dit was ik niet
confirmed-title = Je inschrijving is bevestigd
confirmed-body = Hier is niets meer te doen.
page-open = Je pagina openen
expired-title = Deze link is verlopen
expired-body = Verstuur het formulier opnieuw om een nieuwe link te krijgen.
refused-title = De inschrijving is verwijderd
refused-body = Je krijgt geen mail meer van deze afzender.
refuse-title = Was jij dit niet?
refuse-body = Dan wordt de inschrijving verwijderd en krijg je geen mail meer van deze afzender.
refuse-button = De inschrijving verwijderen
refuse-back = Ik was het wel

# Mail
unsubscribe-title = Afmelden voor mail van deze afzender?
unsubscribe-body = { $email } krijgt geen mail meer van deze afzender, over geen enkele wachtlijst. Je houdt je plaats.
unsubscribe-button = Afmelden voor mail
unsubscribed-title = Je krijgt geen mail meer
unsubscribed-body = Je houdt je plaats op de wachtlijst.

# Een verloren link
lost-title = Ontvang je link opnieuw
lost-body = Vul het adres in waarmee je je hebt ingeschreven. Daar gaat de link naar je pagina heen.
lost-button = Link versturen
lost-sent-body = Als dit adres op de wachtlijst staat, is er een mail met de link onderweg.

# Als iets niet werkt
not-found-title = Er is niets op dit adres
not-found-body = Het adres is onvolledig of geldt niet meer. Open de nieuwste mail die je hebt.
forbidden-title = Dit formulier hoort bij een andere website
forbidden-body = Open de pagina van de wachtlijst en verstuur het formulier daar.
method-title = Dat kan deze pagina niet
method-body = Open het adres opnieuw.
gone-title = Deze link is verlopen
gone-body = Open de nieuwste mail die je hebt of verstuur het formulier opnieuw.
unprocessable-title = Dat is niet gelukt
unprocessable-body = Ga terug, bekijk wat je hebt ingevuld en probeer het opnieuw.
too-often-title = Dat was te vaak
too-often-body =
    { $minutes ->
        [one] Wacht een minuut en probeer het opnieuw.
       *[other] Wacht { $minutes } minuten en probeer het opnieuw.
    }
broken-title = Deze pagina kan nu niet worden getoond
broken-body = Er is niets verloren. Probeer het zo nog eens.
request-id = Nummer voor vragen hierover

# De eerste pagina van een server
index-title = Rally draait
index-body = Deze server houdt wachtlijsten bij.
index-console = De console openen
index-docs = De documentatie van de API lezen

# Datums
first-day = 1
date =
    { $month ->
        [1] { $day } januari { $year }
        [2] { $day } februari { $year }
        [3] { $day } maart { $year }
        [4] { $day } april { $year }
        [5] { $day } mei { $year }
        [6] { $day } juni { $year }
        [7] { $day } juli { $year }
        [8] { $day } augustus { $year }
        [9] { $day } september { $year }
        [10] { $day } oktober { $year }
        [11] { $day } november { $year }
       *[12] { $day } december { $year }
    }
