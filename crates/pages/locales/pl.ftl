# Rama
footer = Działa dzięki Rally
language = Język
optional = { $label } (opcjonalnie)
title-error = Błąd: { $title }

# Formularz
email = Adres e-mail
name = Imię i nazwisko
join = Zapisz się na listę oczekujących
choose = Wybierz opcję
yes = Tak
no = Nie
leave-empty = Zostaw to pole puste
friend-invited = To zaproszenie od znajomego
lost-link-ask = Jesteś już na liście oczekujących? Otrzymaj swój link ponownie
privacy = Prywatność
terms = Regulamin
rewards = Nagrody
leaders = Kto zaprosił najwięcej znajomych
leader-person = Osoba
leader-friends = Znajomi
friends-count =
    { $count ->
        [one] { $count } znajomy
        [few] { $count } znajomych
        [many] { $count } znajomych
       *[other] { $count } znajomego
    }
captcha-elsewhere = Ta lista oczekujących używa zabezpieczenia przed robotami, którego ta strona nie może pokazać. Zapisz się na stronie internetowej listy.
captcha-open = Przejdź na stronę internetową listy
work-running = Trwa krótkie sprawdzanie zabezpieczające przed robotami
work-script = Ta lista oczekujących używa zabezpieczenia przed robotami, które wymaga JavaScriptu. Włącz go i wczytaj stronę ponownie.
work-secure = Ta lista oczekujących używa zabezpieczenia przed robotami, które wymaga bezpiecznego połączenia. Otwórz stronę pod adresem, który zaczyna się od https://
sending = Trwa wysyłanie formularza
form-unavailable = Nie można teraz pokazać formularza
try-again = Spróbuj ponownie
tab-new = (otwiera się w nowej karcie)

# Co zmienić w formularzu
errors-title = Sprawdź te odpowiedzi
error-email-missing = Wpisz swój adres e-mail
error-email = Wpisz adres e-mail w postaci nazwa@example.com
error-email-taken = Ten adres jest już na liście oczekujących. Wpisz inny albo poproś ponownie o swój link
error-email-disposable = Wpisz adres, który zachowasz. Ten pochodzi z serwisu z adresami jednorazowymi
error-email-no-mail = Wpisz inny adres. Domena tego adresu nie przyjmuje poczty
error-email-other = Wpisz inny adres. Tego nie można tu użyć
error-name-missing = Wpisz swoje imię i nazwisko
error-missing = Wypełnij pole „{ $label }”
error-choose = Wybierz opcję w polu „{ $label }”
error-number = Wpisz liczbę cyframi w polu „{ $label }”
error-url = Wpisz adres internetowy w postaci https://example.com w polu „{ $label }”
error-field-email = Wpisz adres e-mail w postaci nazwa@example.com w polu „{ $label }”
error-tel = Wpisz numer telefonu w postaci +48 22 123 45 67 w polu „{ $label }”
error-date = Wpisz datę w polu „{ $label }”
error-long =
    { $max ->
        [one] Skróć „{ $label }” do { $max } znaku
        [few] Skróć „{ $label }” do { $max } znaków
        [many] Skróć „{ $label }” do { $max } znaków
       *[other] Skróć „{ $label }” do { $max } znaku
    }
error-characters = W polu „{ $label }” używaj tylko liter, cyfr i zwykłych znaków
error-consent = Zaznacz pole, aby się zapisać
error-check = Sprawdzanie zabezpieczające przed robotami nie powiodło się. Wyślij formularz ponownie
error-too-fast = Przejrzyj swoje odpowiedzi i wyślij formularz ponownie
error-form = Przejrzyj swoje odpowiedzi i wyślij formularz ponownie. Czegoś nie udało się zapisać
error-unavailable = Nie udało się wysłać formularza. Spróbuj ponownie za chwilę
error-too-often =
    { $minutes ->
        [one] To było zbyt często. Odczekaj minutę i wyślij formularz ponownie
        [few] To było zbyt często. Odczekaj { $minutes } minuty i wyślij formularz ponownie
        [many] To było zbyt często. Odczekaj { $minutes } minut i wyślij formularz ponownie
       *[other] To było zbyt często. Odczekaj { $minutes } minuty i wyślij formularz ponownie
    }
error-network = Brak połączenia. Sprawdź je i wyślij formularz ponownie

# Lista oczekujących bez formularza
paused-title = Ta lista oczekujących jest wstrzymana
paused-body = W tej chwili nikt nie może się zapisać. Wróć później.
closed-title = Ta lista oczekujących jest zamknięta
closed-body = Nikt nie może się już zapisać. Kto jest na liście, zachowuje swoje miejsce.
full-title = Ta lista oczekujących jest pełna
full-body = Wszystkie miejsca są zajęte. Wróć później, bo miejsca mogą się zwolnić.

# Po formularzu
mailbox-title = Zajrzyj do swojej skrzynki
mailbox-body = Wiadomość z linkiem jest w drodze. Otwórz link, aby potwierdzić swoje miejsce.
mailbox-hours =
    { $hours ->
        [one] Link działa przez { $hours } godzinę.
        [few] Link działa przez { $hours } godziny.
        [many] Link działa przez { $hours } godzin.
       *[other] Link działa przez { $hours } godziny.
    }
mailbox-days =
    { $days ->
        [one] Link działa przez { $days } dzień.
        [few] Link działa przez { $days } dni.
        [many] Link działa przez { $days } dni.
       *[other] Link działa przez { $days } dnia.
    }
mailbox-spam = Jeśli po kilku minutach nic nie przyjdzie, zajrzyj do folderu ze spamem. Możesz też wysłać formularz ponownie.
form-open = Przejdź do formularza
form-back = Wróć do formularza

# Strona osoby
joined-title = Jesteś na liście oczekujących
place = Twoje miejsce
ahead =
    { $ahead ->
        [0] Nikogo nie ma przed Tobą
        [one] Przed Tobą jest { $ahead } osoba
        [few] Przed Tobą są { $ahead } osoby
        [many] Przed Tobą jest { $ahead } osób
       *[other] Przed Tobą jest { $ahead } osoby
    }
total =
    { $total ->
        [one] Na liście oczekujących jest { $total } osoba
        [few] Na liście oczekujących są { $total } osoby
        [many] Na liście oczekujących jest { $total } osób
       *[other] Na liście oczekujących jest { $total } osoby
    }
review-waiting = Twój zapis czeka na akceptację
review-approved = Twój zapis został zaakceptowany
rejected-title = Nie tym razem
rejected-body = Dziękujemy za zainteresowanie. Tym razem nie ma dla Ciebie miejsca.
move-up = Przesuń się wyżej
move-up-body =
    { $boost ->
        [one] Każdy znajomy, który zapisze się z Twojego linku, może przesunąć Cię o { $boost } miejsce.
        [few] Każdy znajomy, który zapisze się z Twojego linku, może przesunąć Cię maksymalnie o { $boost } miejsca.
        [many] Każdy znajomy, który zapisze się z Twojego linku, może przesunąć Cię maksymalnie o { $boost } miejsc.
       *[other] Każdy znajomy, który zapisze się z Twojego linku, może przesunąć Cię maksymalnie o { $boost } miejsca.
    }
invite = Zaproś znajomych
invite-body = Twoi znajomi mogą zapisać się z Twojego linku.
share-link = Twój link dla znajomych
copy = Kopiuj link
copied = Skopiowano
share = Udostępnij
share-mail = Wyślij e-mailem
share-text = Jestem na liście oczekujących „{ $list }”. Możesz zapisać się z mojego linku:
share-closed = Znajomi nie mogą się już zapisać. Zachowujesz swoje miejsce.
share-later = W tej chwili znajomi nie mogą się zapisać. Zachowujesz swoje miejsce i swój link dla nich.
reward-next =
    { $remaining ->
        [one] Jeszcze { $remaining } znajomy do nagrody: { $reward }
        [few] Jeszcze { $remaining } znajomych do nagrody: { $reward }
        [many] Jeszcze { $remaining } znajomych do nagrody: { $reward }
       *[other] Jeszcze { $remaining } znajomego do nagrody: { $reward }
    }
reward-reached = Zdobyta
friends = Twoi znajomi
friends-none = Nikt jeszcze nie zapisał się z Twojego linku.
friend-left = Znajomy, którego już tu nie ma
friend-joined = Na liście
friend-waiting = Oczekuje
friends-more =
    { $count ->
        [one] I jeszcze { $count }
        [few] I jeszcze { $count }
        [many] I jeszcze { $count }
       *[other] I jeszcze { $count }
    }
answers = Twoje odpowiedzi
answers-save = Zapisz odpowiedzi
saved = Zapisano
language-save = Zapisz język
mail = Wiadomości
mail-on = Otrzymujesz wiadomości od tego nadawcy.
mail-off = Nie otrzymujesz wiadomości od tego nadawcy.
mail-stop = Zrezygnuj z wiadomości
mail-start = Chcę otrzymywać wiadomości
data = Twoje dane
data-body = Wszystko, co jest o Tobie zapisane, w jednym pliku.
data-download = Pobierz swoje dane
joined-on = Zapis
confirmed-on = Adres potwierdzony
own-link = Ta strona należy do Ciebie. Kto zna jej adres, może zmienić lub usunąć Twój zapis.
leave = Opuść listę oczekujących

# Opuszczanie
leave-title = Opuścić „{ $list }”?
leave-body = Twoje miejsce, odpowiedzi i link zostaną usunięte. Tego nie można cofnąć.
leave-friends = Znajomi, którzy zapisali się z Twojego linku, zachowają swoje miejsca.
leave-button = Opuść i usuń moje dane
leave-keep = Zachowaj moje miejsce
left-title = Nie ma Cię już na liście oczekujących
left-body = Twoje dane zostały usunięte. Możesz zapisać się ponownie w każdej chwili.

# Potwierdzanie
confirm-title = Potwierdź swój zapis
confirm-body = Wtedy otrzymasz miejsce na liście oczekujących.
confirm-list = Lista oczekujących
confirm-until = Potwierdź do
confirm-button = Potwierdź
confirm-refuse = To nie ja
confirmed-title = Twój zapis jest potwierdzony
confirmed-body = Nie trzeba już nic tu robić.
page-open = Otwórz swoją stronę
expired-title = Ten link wygasł
expired-body = Wyślij formularz ponownie, aby otrzymać nowy link.
refused-title = Zapis został usunięty
refused-body = Nie otrzymasz więcej wiadomości od tego nadawcy.
refuse-title = To nie Ty?
refuse-body = Zapis zostanie wtedy usunięty i nie otrzymasz więcej wiadomości od tego nadawcy.
refuse-button = Usuń zapis
refuse-back = To ja

# Wiadomości
unsubscribe-title = Zrezygnować z wiadomości od tego nadawcy?
unsubscribe-body = Na adres { $email } nie przyjdzie więcej wiadomości od tego nadawcy, o żadnej liście oczekujących. Zachowasz swoje miejsce.
unsubscribe-button = Zrezygnuj z wiadomości
unsubscribed-title = Nie otrzymasz więcej wiadomości
unsubscribed-body = Zachowujesz swoje miejsce na liście oczekujących.

# Zgubiony link
lost-title = Otrzymaj swój link ponownie
lost-body = Wpisz adres, którego użyto przy zapisie. Wyślemy na niego link do Twojej strony.
lost-button = Wyślij link
lost-sent-body = Jeśli ten adres jest na liście oczekujących, wiadomość z linkiem jest w drodze.

# Gdy coś nie działa
not-found-title = Pod tym adresem niczego nie ma
not-found-body = Adres jest niepełny albo już nie działa. Otwórz swoją najnowszą wiadomość.
forbidden-title = Ten formularz należy do innej strony
forbidden-body = Otwórz stronę listy oczekujących i wyślij formularz stamtąd.
method-title = Ta strona tego nie potrafi
method-body = Otwórz adres ponownie.
gone-title = Ten link wygasł
gone-body = Otwórz swoją najnowszą wiadomość albo wyślij formularz ponownie.
unprocessable-title = To się nie udało
unprocessable-body = Wróć, przejrzyj wpisane dane i spróbuj ponownie.
too-often-title = To było zbyt często
too-often-body =
    { $minutes ->
        [one] Odczekaj minutę i spróbuj ponownie.
        [few] Odczekaj { $minutes } minuty i spróbuj ponownie.
        [many] Odczekaj { $minutes } minut i spróbuj ponownie.
       *[other] Odczekaj { $minutes } minuty i spróbuj ponownie.
    }
broken-title = Tej strony nie można teraz pokazać
broken-body = Nic nie przepadło. Spróbuj ponownie za chwilę.
request-id = Numer do pytań w tej sprawie

# Pierwsza strona serwera
index-title = Rally działa
index-body = Ten serwer prowadzi listy oczekujących.
index-console = Otwórz konsolę
index-docs = Przeczytaj dokumentację API

# Daty
first-day = 1
date =
    { $month ->
        [1] { $day } stycznia { $year }
        [2] { $day } lutego { $year }
        [3] { $day } marca { $year }
        [4] { $day } kwietnia { $year }
        [5] { $day } maja { $year }
        [6] { $day } czerwca { $year }
        [7] { $day } lipca { $year }
        [8] { $day } sierpnia { $year }
        [9] { $day } września { $year }
        [10] { $day } października { $year }
        [11] { $day } listopada { $year }
       *[12] { $day } grudnia { $year }
    }
