# Cadre
footer = Propulsé par Rally
language = Langue
optional = { $label } (facultatif)
title-error = Erreur : { $title }

# Formulaire
email = Adresse e-mail
name = Nom
join = Rejoindre la liste d’attente
choose = Choisissez une option
yes = Oui
no = Non
leave-empty = Laissez ce champ vide
friend-invited = Vous êtes invité par un ami
lost-link-ask = Déjà sur la liste d’attente ? Recevez de nouveau votre lien
privacy = Confidentialité
terms = Conditions
rewards = Récompenses
leaders = Qui a amené le plus d’amis
leader-person = Personne
leader-friends = Amis
friends-count =
    { $count ->
        [one] { $count } ami
       *[other] { $count } amis
    }
captcha-elsewhere = Cette liste d’attente utilise un contrôle contre les robots que cette page ne peut pas afficher. Inscrivez-vous sur le site de la liste d’attente.
captcha-open = Aller sur le site de la liste d’attente
work-running = Un court contrôle contre les robots est en cours
work-script = Cette liste d’attente utilise un contrôle contre les robots qui a besoin de JavaScript. Activez-le et rechargez la page.
work-secure = Cette liste d’attente utilise un contrôle contre les robots qui a besoin d’une connexion sécurisée. Ouvrez la page à une adresse qui commence par https://
sending = Le formulaire est en cours d’envoi
form-unavailable = Le formulaire ne peut pas être affiché pour le moment
try-again = Réessayer
tab-new = (s’ouvre dans un nouvel onglet)

# Ce qu’il faut changer dans un formulaire
errors-title = Vérifiez ces réponses
error-email-missing = Saisissez votre adresse e-mail
error-email = Saisissez une adresse e-mail comme nom@example.com
error-email-taken = Cette adresse est déjà sur la liste d’attente. Saisissez-en une autre ou demandez de nouveau votre lien
error-email-disposable = Saisissez une adresse que vous garderez. Celle-ci vient d’un service d’adresses jetables
error-email-no-mail = Saisissez une autre adresse. Le domaine de celle-ci ne reçoit pas d’e-mails
error-email-other = Saisissez une autre adresse. Celle-ci ne peut pas être utilisée ici
error-name-missing = Saisissez votre nom
error-missing = Remplissez « { $label } »
error-choose = Choisissez une option pour « { $label } »
error-number = Saisissez un nombre en chiffres pour « { $label } »
error-url = Saisissez une adresse web comme https://example.com pour « { $label } »
error-field-email = Saisissez une adresse e-mail comme nom@example.com pour « { $label } »
error-tel = Saisissez un numéro de téléphone comme +33 1 99 00 12 34 pour « { $label } »
error-date = Saisissez une date pour « { $label } »
error-long =
    { $max ->
        [one] Raccourcissez « { $label } » à { $max } caractère
       *[other] Raccourcissez « { $label } » à { $max } caractères
    }
error-characters = N’utilisez que des lettres, des chiffres et des signes courants pour « { $label } »
error-consent = Cochez la case pour vous inscrire
error-check = Le contrôle contre les robots n’a pas fonctionné. Envoyez de nouveau le formulaire
error-too-fast = Relisez vos réponses et envoyez de nouveau le formulaire
error-form = Relisez vos réponses et envoyez de nouveau le formulaire. Une partie n’a pas pu être enregistrée
error-unavailable = Le formulaire n’a pas pu être envoyé. Réessayez dans un instant
error-too-often =
    { $minutes ->
        [one] Trop d’envois. Attendez une minute et envoyez de nouveau le formulaire
       *[other] Trop d’envois. Attendez { $minutes } minutes et envoyez de nouveau le formulaire
    }
error-network = Il n’y a pas de connexion. Vérifiez-la et envoyez de nouveau le formulaire

# Une liste d’attente sans formulaire
paused-title = Cette liste d’attente fait une pause
paused-body = Personne ne peut s’inscrire pour le moment. Revenez plus tard.
closed-title = Cette liste d’attente est fermée
closed-body = Plus personne ne peut s’inscrire. Les personnes déjà inscrites gardent leur place.
full-title = Cette liste d’attente est complète
full-body = Toutes les places sont prises. Revenez plus tard, car des places peuvent se libérer.

# Après le formulaire
mailbox-title = Consultez votre boîte de réception
mailbox-body = Un e-mail avec un lien est en route. Ouvrez le lien pour confirmer votre place.
mailbox-hours =
    { $hours ->
        [one] Le lien est valable { $hours } heure.
       *[other] Le lien est valable { $hours } heures.
    }
mailbox-days =
    { $days ->
        [one] Le lien est valable { $days } jour.
       *[other] Le lien est valable { $days } jours.
    }
mailbox-spam = Si rien n’arrive après quelques minutes, regardez dans les courriers indésirables. Vous pouvez aussi envoyer de nouveau le formulaire.
form-open = Aller au formulaire
form-back = Revenir au formulaire

# La page d’une personne
joined-title = Vous êtes sur la liste d’attente
place = Votre place
ahead =
    { $ahead ->
        [0] Personne n’est devant vous
        [one] { $ahead } personne est devant vous
       *[other] { $ahead } personnes sont devant vous
    }
total =
    { $total ->
        [one] { $total } personne est sur la liste d’attente
       *[other] { $total } personnes sont sur la liste d’attente
    }
review-waiting = Votre inscription attend d’être acceptée
review-approved = Votre inscription est acceptée
rejected-title = Pas cette fois
rejected-body = Merci de votre intérêt. Il n’y a pas de place pour vous cette fois.
move-up = Avancer
move-up-body =
    { $boost ->
        [one] Chaque ami qui s’inscrit avec votre lien peut vous faire avancer de { $boost } place.
       *[other] Chaque ami qui s’inscrit avec votre lien peut vous faire avancer de { $boost } places au maximum.
    }
invite = Inviter des amis
invite-body = Vos amis peuvent s’inscrire avec votre lien.
share-link = Votre lien pour vos amis
copy = Copier le lien
copied = Copié
share = Partager
share-mail = Partager par e-mail
share-text = Je suis sur la liste d’attente « { $list } ». Vous pouvez vous inscrire avec mon lien :
share-closed = Vos amis ne peuvent plus s’inscrire. Vous gardez votre place.
share-later = Vos amis ne peuvent pas s’inscrire pour le moment. Vous gardez votre place et votre lien pour eux.
reward-next =
    { $remaining ->
        [one] Encore { $remaining } ami avant : { $reward }
       *[other] Encore { $remaining } amis avant : { $reward }
    }
reward-reached = Obtenue
friends = Vos amis
friends-none = Personne ne s’est encore inscrit avec votre lien.
friend-left = Un ami qui est parti
friend-joined = Inscription
friend-waiting = En attente
friends-more =
    { $count ->
        [one] Et { $count } autre
       *[other] Et { $count } autres
    }
answers = Vos réponses
answers-save = Enregistrer les réponses
saved = Enregistré
language-save = Enregistrer la langue
mail = E-mails
mail-on = Vous recevez des e-mails de cet expéditeur.
mail-off = Vous ne recevez pas d’e-mails de cet expéditeur.
mail-stop = Se désabonner
mail-start = Recevoir des e-mails
data = Vos données
data-body = Tout ce qui est enregistré sur vous, dans un fichier.
data-download = Télécharger vos données
joined-on = Inscription
confirmed-on = Adresse confirmée
own-link = Cette page est à vous. Toute personne qui a son adresse peut modifier ou supprimer votre inscription.
leave = Quitter la liste d’attente

# Quitter
leave-title = Quitter « { $list } » ?
leave-body = Votre place, vos réponses et votre lien seront supprimés. C’est définitif.
leave-friends = Les amis qui se sont inscrits avec votre lien gardent leur place.
leave-button = Quitter et supprimer mes données
leave-keep = Garder ma place
left-title = Vous avez quitté la liste d’attente
left-body = Vos données sont supprimées. Vous pouvez vous réinscrire quand vous voulez.

# Confirmer
confirm-title = Confirmez votre inscription
confirm-body = Vous aurez alors votre place sur la liste d’attente.
confirm-list = Liste d’attente
confirm-until = À confirmer avant le
confirm-button = Confirmer
confirm-refuse = Ce n’était pas moi
confirmed-title = Votre inscription est confirmée
confirmed-body = Il n’y a plus rien à faire ici.
page-open = Ouvrir votre page
expired-title = Ce lien a expiré
expired-body = Envoyez de nouveau le formulaire pour recevoir un nouveau lien.
refused-title = L’inscription est supprimée
refused-body = Vous ne recevrez plus d’e-mails de cet expéditeur.
refuse-title = Ce n’était pas vous ?
refuse-body = L’inscription sera alors supprimée, et vous ne recevrez plus d’e-mails de cet expéditeur.
refuse-button = Supprimer l’inscription
refuse-back = C’était moi

# E-mails
unsubscribe-title = Se désabonner de cet expéditeur ?
unsubscribe-body = L’adresse { $email } ne recevra plus d’e-mails de cet expéditeur, quelle que soit la liste d’attente. Vous gardez votre place.
unsubscribe-button = Se désabonner
unsubscribed-title = Vous ne recevrez plus d’e-mails
unsubscribed-body = Vous gardez votre place sur la liste d’attente.

# Un lien perdu
lost-title = Recevoir de nouveau votre lien
lost-body = Saisissez l’adresse avec laquelle vous vous êtes inscrit. Le lien vers votre page y sera envoyé.
lost-button = Envoyer le lien
lost-sent-body = Si cette adresse est sur la liste d’attente, un e-mail avec le lien est en route.

# Quand quelque chose ne fonctionne pas
not-found-title = Il n’y a rien à cette adresse
not-found-body = L’adresse est incomplète ou n’est plus valable. Ouvrez votre e-mail le plus récent.
forbidden-title = Ce formulaire appartient à un autre site
forbidden-body = Ouvrez la page de la liste d’attente et envoyez le formulaire depuis celle-ci.
method-title = Cette page ne peut pas faire cela
method-body = Ouvrez de nouveau l’adresse.
gone-title = Ce lien a expiré
gone-body = Ouvrez votre e-mail le plus récent ou envoyez de nouveau le formulaire.
unprocessable-title = Cela n’a pas fonctionné
unprocessable-body = Revenez en arrière, relisez ce que vous avez saisi et réessayez.
too-often-title = Trop de demandes
too-often-body =
    { $minutes ->
        [one] Attendez une minute et réessayez.
       *[other] Attendez { $minutes } minutes et réessayez.
    }
broken-title = Cette page ne peut pas être affichée pour le moment
broken-body = Rien n’est perdu. Réessayez dans un instant.
request-id = Numéro à indiquer en cas de question

# La première page d’un serveur
index-title = Rally fonctionne
index-body = Ce serveur gère des listes d’attente.
index-console = Ouvrir la console
index-docs = Lire la documentation de l’API

# Dates
first-day = 1er
date =
    { $month ->
        [1] { $day } janvier { $year }
        [2] { $day } février { $year }
        [3] { $day } mars { $year }
        [4] { $day } avril { $year }
        [5] { $day } mai { $year }
        [6] { $day } juin { $year }
        [7] { $day } juillet { $year }
        [8] { $day } août { $year }
        [9] { $day } septembre { $year }
        [10] { $day } octobre { $year }
        [11] { $day } novembre { $year }
       *[12] { $day } décembre { $year }
    }
