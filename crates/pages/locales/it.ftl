# Cornice
footer = Funziona con Rally
language = Lingua
optional = { $label } (facoltativo)
title-error = Errore: { $title }

# Modulo
email = Indirizzo e-mail
name = Nome
join = Iscriviti alla lista d’attesa
choose = Scegli un’opzione
yes = Sì
no = No
leave-empty = Lascia vuoto questo campo
friend-invited = Ti ha invitato un amico
lost-link-ask = Sei già nella lista d’attesa? Ricevi di nuovo il tuo link
privacy = Privacy
terms = Condizioni
rewards = Premi
leaders = Chi ha portato più amici
leader-person = Persona
leader-friends = Amici
friends-count =
    { $count ->
        [one] { $count } amico
       *[other] { $count } amici
    }
captcha-elsewhere = Questa lista d’attesa usa un controllo contro i robot che questa pagina non può mostrare. Iscriviti sul sito della lista d’attesa.
captcha-open = Vai al sito della lista d’attesa
work-running = È in corso un breve controllo contro i robot
work-script = Questa lista d’attesa usa un controllo contro i robot che ha bisogno di JavaScript. Attivalo e ricarica la pagina.
work-secure = Questa lista d’attesa usa un controllo contro i robot che ha bisogno di una connessione sicura. Apri la pagina a un indirizzo che inizia con https://
sending = L’invio del modulo è in corso
form-unavailable = Il modulo non può essere mostrato adesso
try-again = Riprova
tab-new = (si apre in una nuova scheda)

# Che cosa cambiare in un modulo
errors-title = Controlla queste risposte
error-email-missing = Inserisci il tuo indirizzo e-mail
error-email = Inserisci un indirizzo e-mail come nome@example.com
error-email-taken = Questo indirizzo è già nella lista d’attesa. Inseriscine un altro o chiedi di nuovo il tuo link
error-email-disposable = Inserisci un indirizzo che terrai. Questo è di un servizio di indirizzi usa e getta
error-email-no-mail = Inserisci un altro indirizzo. Il dominio di questo non riceve e-mail
error-email-other = Inserisci un altro indirizzo. Questo non si può usare qui
error-name-missing = Inserisci il tuo nome
error-missing = Compila «{ $label }»
error-choose = Scegli un’opzione per «{ $label }»
error-number = Inserisci un numero in cifre per «{ $label }»
error-url = Inserisci un indirizzo web come https://example.com per «{ $label }»
error-field-email = Inserisci un indirizzo e-mail come nome@example.com per «{ $label }»
error-tel = Inserisci un numero di telefono come +39 06 1234 5678 per «{ $label }»
error-date = Inserisci una data per «{ $label }»
error-long =
    { $max ->
        [one] Accorcia «{ $label }» a { $max } carattere
       *[other] Accorcia «{ $label }» a { $max } caratteri
    }
error-characters = Usa solo lettere, cifre e segni comuni per «{ $label }»
error-consent = Spunta la casella per iscriverti
error-check = Il controllo contro i robot non ha funzionato. Invia di nuovo il modulo
error-too-fast = Rileggi le risposte e invia di nuovo il modulo
error-form = Rileggi le risposte e invia di nuovo il modulo. Qualcosa non si è potuto salvare
error-unavailable = Non è stato possibile inviare il modulo. Riprova tra un momento
error-too-often =
    { $minutes ->
        [one] Troppi invii. Aspetta un minuto e invia di nuovo il modulo
       *[other] Troppi invii. Aspetta { $minutes } minuti e invia di nuovo il modulo
    }
error-network = Non c’è connessione. Controllala e invia di nuovo il modulo

# Una lista d’attesa senza modulo
paused-title = Questa lista d’attesa è in pausa
paused-body = Al momento nessuno può iscriversi. Torna più tardi.
closed-title = Questa lista d’attesa è chiusa
closed-body = Nessuno può più iscriversi. Chi è nella lista d’attesa conserva il suo posto.
full-title = Questa lista d’attesa è al completo
full-body = Tutti i posti sono occupati. Torna più tardi, perché qualche posto può liberarsi.

# Dopo il modulo
mailbox-title = Guarda nella tua casella di posta
mailbox-body = È in arrivo un’e-mail con un link. Apri il link per confermare il tuo posto.
mailbox-hours =
    { $hours ->
        [one] Il link vale { $hours } ora.
       *[other] Il link vale { $hours } ore.
    }
mailbox-days =
    { $days ->
        [one] Il link vale { $days } giorno.
       *[other] Il link vale { $days } giorni.
    }
mailbox-spam = Se dopo qualche minuto non è arrivato nulla, guarda nella cartella dello spam. Puoi anche inviare di nuovo il modulo.
form-open = Vai al modulo
form-back = Torna al modulo

# La pagina di una persona
joined-title = Sei nella lista d’attesa
place = Il tuo posto
ahead =
    { $ahead ->
        [0] Non c’è nessuno davanti a te
        [one] C’è { $ahead } persona davanti a te
       *[other] Ci sono { $ahead } persone davanti a te
    }
total =
    { $total ->
        [one] C’è { $total } persona nella lista d’attesa
       *[other] Ci sono { $total } persone nella lista d’attesa
    }
review-waiting = La tua iscrizione attende l’approvazione
review-approved = La tua iscrizione è approvata
rejected-title = Questa volta no
rejected-body = Grazie per il tuo interesse. Questa volta non c’è un posto per te.
move-up = Guadagna posti
move-up-body =
    { $boost ->
        [one] Ogni amico che si iscrive con il tuo link può farti avanzare di { $boost } posto.
       *[other] Ogni amico che si iscrive con il tuo link può farti avanzare fino a { $boost } posti.
    }
invite = Invita gli amici
invite-body = I tuoi amici possono iscriversi con il tuo link.
share-link = Il tuo link per gli amici
copy = Copia il link
copied = Copiato
share = Condividi
share-mail = Condividi via e-mail
share-text = Sono nella lista d’attesa «{ $list }». Puoi iscriverti con il mio link:
share-closed = I tuoi amici non possono più iscriversi. Conservi il tuo posto.
share-later = Al momento i tuoi amici non possono iscriversi. Conservi il tuo posto e il tuo link per loro.
reward-next =
    { $remaining ->
        [one] Ancora { $remaining } amico per: { $reward }
       *[other] Ancora { $remaining } amici per: { $reward }
    }
reward-reached = Ottenuto
friends = I tuoi amici
friends-none = Nessuno si è ancora iscritto con il tuo link.
friend-left = Un amico che se n’è andato
friend-joined = Iscrizione
friend-waiting = In attesa
friends-more =
    { $count ->
        [one] E { $count } altro
       *[other] E altri { $count }
    }
answers = Le tue risposte
answers-save = Salva le risposte
saved = Salvato
language-save = Salva la lingua
mail = E-mail
mail-on = Ricevi e-mail da questo mittente.
mail-off = Non ricevi e-mail da questo mittente.
mail-stop = Non ricevere più e-mail
mail-start = Ricevi e-mail
data = I tuoi dati
data-body = Tutto ciò che è salvato su di te, in un file.
data-download = Scarica i tuoi dati
joined-on = Iscrizione
confirmed-on = Indirizzo confermato
own-link = Questa pagina è tua. Chi ne ha l’indirizzo può modificare o cancellare la tua iscrizione.
leave = Lascia la lista d’attesa

# Lasciare
leave-title = Lasciare «{ $list }»?
leave-body = Il tuo posto, le tue risposte e il tuo link saranno cancellati. Non si può annullare.
leave-friends = Gli amici che si sono iscritti con il tuo link conservano il loro posto.
leave-button = Lascia e cancella i miei dati
leave-keep = Conserva il mio posto
left-title = Hai lasciato la lista d’attesa
left-body = I tuoi dati sono cancellati. Puoi iscriverti di nuovo quando vuoi.

# Confermare
confirm-title = Conferma la tua iscrizione
confirm-body = Così avrai il tuo posto nella lista d’attesa.
confirm-list = Lista d’attesa
confirm-until = Scadenza della conferma
confirm-button = Conferma
confirm-refuse = Non ero io
confirmed-title = La tua iscrizione è confermata
confirmed-body = Qui non c’è altro da fare.
page-open = Apri la tua pagina
expired-title = Questo link è scaduto
expired-body = Invia di nuovo il modulo per ricevere un nuovo link.
refused-title = L’iscrizione è cancellata
refused-body = Non riceverai altre e-mail da questo mittente.
refuse-title = Non eri tu?
refuse-body = Allora l’iscrizione sarà cancellata e non riceverai altre e-mail da questo mittente.
refuse-button = Cancella l’iscrizione
refuse-back = Ero io

# E-mail
unsubscribe-title = Non ricevere più e-mail da questo mittente?
unsubscribe-body = { $email } non riceverà più e-mail da questo mittente, qualunque sia la lista d’attesa. Conservi il tuo posto.
unsubscribe-button = Non ricevere più e-mail
unsubscribed-title = Non riceverai più e-mail
unsubscribed-body = Conservi il tuo posto nella lista d’attesa.

# Un link perso
lost-title = Ricevi di nuovo il tuo link
lost-body = Inserisci l’indirizzo con cui ti sei iscritto. Il link alla tua pagina arriverà lì.
lost-button = Invia il link
lost-sent-body = Se questo indirizzo è nella lista d’attesa, è in arrivo un’e-mail con il link.

# Quando qualcosa non funziona
not-found-title = A questo indirizzo non c’è nulla
not-found-body = L’indirizzo è incompleto o non vale più. Apri l’e-mail più recente che hai.
forbidden-title = Questo modulo appartiene a un altro sito
forbidden-body = Apri la pagina della lista d’attesa e invia il modulo da lì.
method-title = Questa pagina non può farlo
method-body = Apri di nuovo l’indirizzo.
gone-title = Questo link è scaduto
gone-body = Apri l’e-mail più recente che hai o invia di nuovo il modulo.
unprocessable-title = Non ha funzionato
unprocessable-body = Torna indietro, rileggi ciò che hai inserito e riprova.
too-often-title = Troppi tentativi
too-often-body =
    { $minutes ->
        [one] Aspetta un minuto e riprova.
       *[other] Aspetta { $minutes } minuti e riprova.
    }
broken-title = Questa pagina non può essere mostrata adesso
broken-body = Non si è perso nulla. Riprova tra un momento.
request-id = Numero per domande al riguardo

# La prima pagina di un server
index-title = Rally è in funzione
index-body = Questo server gestisce liste d’attesa.
index-console = Apri la console
index-docs = Leggi la documentazione dell’API

# Date
first-day = 1º
date =
    { $month ->
        [1] { $day } gennaio { $year }
        [2] { $day } febbraio { $year }
        [3] { $day } marzo { $year }
        [4] { $day } aprile { $year }
        [5] { $day } maggio { $year }
        [6] { $day } giugno { $year }
        [7] { $day } luglio { $year }
        [8] { $day } agosto { $year }
        [9] { $day } settembre { $year }
        [10] { $day } ottobre { $year }
        [11] { $day } novembre { $year }
       *[12] { $day } dicembre { $year }
    }
