# Marco
footer = Funciona con Rally
language = Idioma
optional = { $label } (opcional)
title-error = Error: { $title }

# Formulario
email = Correo electrónico
name = Nombre
join = Apuntarme a la lista de espera
choose = Elige una opción
yes = Sí
no = No
leave-empty = Deja este campo vacío
friend-invited = Te ha invitado un amigo
lost-link-ask = ¿Ya estás en la lista de espera? Recibe tu enlace otra vez
privacy = Privacidad
terms = Condiciones
rewards = Recompensas
leaders = Quién ha traído a más amigos
leader-person = Persona
leader-friends = Amigos
friends-count =
    { $count ->
        [one] { $count } amigo
       *[other] { $count } amigos
    }
captcha-elsewhere = Esta lista de espera usa un control contra robots que esta página no puede mostrar. Apúntate en el sitio web de la lista de espera.
captcha-open = Ir al sitio web de la lista de espera
work-running = Se está haciendo un breve control contra robots
work-script = Esta lista de espera usa un control contra robots que necesita JavaScript. Actívalo y vuelve a cargar la página.
work-secure = Esta lista de espera usa un control contra robots que necesita una conexión segura. Abre la página en una dirección que empiece por https://
sending = Se está enviando el formulario
form-unavailable = El formulario no se puede mostrar ahora
try-again = Volver a intentarlo
tab-new = (se abre en una pestaña nueva)

# Qué cambiar en un formulario
errors-title = Revisa estas respuestas
error-email-missing = Escribe tu correo electrónico
error-email = Escribe un correo electrónico como nombre@example.com
error-email-taken = Esta dirección ya está en la lista de espera. Escribe otra o pide tu enlace otra vez
error-email-disposable = Escribe una dirección que vayas a conservar. Esta es de un servicio de direcciones desechables
error-email-no-mail = Escribe otra dirección. El dominio de esta no recibe correo
error-email-other = Escribe otra dirección. Esta no se puede usar aquí
error-name-missing = Escribe tu nombre
error-missing = Rellena «{ $label }»
error-choose = Elige una opción en «{ $label }»
error-number = Escribe un número con cifras en «{ $label }»
error-url = Escribe una dirección web como https://example.com en «{ $label }»
error-field-email = Escribe un correo electrónico como nombre@example.com en «{ $label }»
error-tel = Escribe un número de teléfono como +34 910 12 34 56 en «{ $label }»
error-date = Escribe una fecha en «{ $label }»
error-long =
    { $max ->
        [one] Acorta «{ $label }» a { $max } carácter
       *[other] Acorta «{ $label }» a { $max } caracteres
    }
error-characters = Usa solo letras, cifras y signos habituales en «{ $label }»
error-consent = Marca la casilla para apuntarte
error-check = El control contra robots no ha funcionado. Envía el formulario otra vez
error-too-fast = Repasa tus respuestas y envía el formulario otra vez
error-form = Repasa tus respuestas y envía el formulario otra vez. Algo no se ha podido guardar
error-unavailable = No se ha podido enviar el formulario. Inténtalo dentro de un momento
error-too-often =
    { $minutes ->
        [one] Han sido demasiados envíos. Espera un minuto y envía el formulario otra vez
       *[other] Han sido demasiados envíos. Espera { $minutes } minutos y envía el formulario otra vez
    }
error-network = No hay conexión. Compruébala y envía el formulario otra vez

# Una lista de espera sin formulario
paused-title = Esta lista de espera está en pausa
paused-body = Ahora mismo nadie puede apuntarse. Vuelve más tarde.
closed-title = Esta lista de espera está cerrada
closed-body = Ya nadie puede apuntarse. Quien está en la lista de espera conserva su puesto.
full-title = Esta lista de espera está completa
full-body = Todos los puestos están ocupados. Vuelve más tarde, porque puede quedar alguno libre.

# Después del formulario
mailbox-title = Mira tu correo
mailbox-body = Un correo con un enlace va de camino. Abre el enlace para confirmar tu puesto.
mailbox-hours =
    { $hours ->
        [one] El enlace funciona durante { $hours } hora.
       *[other] El enlace funciona durante { $hours } horas.
    }
mailbox-days =
    { $days ->
        [one] El enlace funciona durante { $days } día.
       *[other] El enlace funciona durante { $days } días.
    }
mailbox-spam = Si en unos minutos no ha llegado nada, mira en la carpeta de correo no deseado. También puedes enviar el formulario otra vez.
form-open = Ir al formulario
form-back = Volver al formulario

# La página de una persona
joined-title = Estás en la lista de espera
place = Tu puesto
ahead =
    { $ahead ->
        [0] No hay nadie delante de ti
        [one] Hay { $ahead } persona delante de ti
       *[other] Hay { $ahead } personas delante de ti
    }
total =
    { $total ->
        [one] Hay { $total } persona en la lista de espera
       *[other] Hay { $total } personas en la lista de espera
    }
review-waiting = Tu inscripción está pendiente de aprobación
review-approved = Tu inscripción está aprobada
rejected-title = Esta vez no
rejected-body = Gracias por tu interés. Esta vez no hay un puesto para ti.
move-up = Avanza puestos
move-up-body =
    { $boost ->
        [one] Cada amigo que se apunta con tu enlace puede hacerte avanzar { $boost } puesto.
       *[other] Cada amigo que se apunta con tu enlace puede hacerte avanzar hasta { $boost } puestos.
    }
invite = Invita a tus amigos
invite-body = Tus amigos pueden apuntarse con tu enlace.
share-link = Tu enlace para amigos
copy = Copiar enlace
copied = Copiado
share = Compartir
share-mail = Compartir por correo
share-text = Estoy en la lista de espera «{ $list }». Puedes apuntarte con mi enlace:
share-closed = Tus amigos ya no pueden apuntarse. Conservas tu puesto.
share-later = Ahora mismo tus amigos no pueden apuntarse. Conservas tu puesto y tu enlace para ellos.
reward-next =
    { $remaining ->
        [one] { $remaining } amigo más para: { $reward }
       *[other] { $remaining } amigos más para: { $reward }
    }
reward-reached = Conseguida
friends = Tus amigos
friends-none = Todavía nadie se ha apuntado con tu enlace.
friend-left = Un amigo que se fue
friend-joined = Apuntado
friend-waiting = Pendiente
friends-more =
    { $count ->
        [one] Y { $count } más
       *[other] Y { $count } más
    }
answers = Tus respuestas
answers-save = Guardar respuestas
saved = Guardado
language-save = Guardar idioma
mail = Correos
mail-on = Recibes correos de este remitente.
mail-off = No recibes correos de este remitente.
mail-stop = Dejar de recibir correos
mail-start = Recibir correos
data = Tus datos
data-body = Todo lo que está guardado sobre ti, en un archivo.
data-download = Descargar tus datos
joined-on = Inscripción
confirmed-on = Dirección confirmada
own-link = Esta página es tuya. Quien tenga su dirección puede cambiar o borrar tu inscripción.
leave = Salir de la lista de espera

# Salir
leave-title = ¿Salir de «{ $list }»?
leave-body = Se borrarán tu puesto, tus respuestas y tu enlace. No se puede deshacer.
leave-friends = Los amigos que se apuntaron con tu enlace conservan su puesto.
leave-button = Salir y borrar mis datos
leave-keep = Conservar mi puesto
left-title = Has salido de la lista de espera
left-body = Tus datos están borrados. Puedes volver a apuntarte cuando quieras.

# Confirmar
confirm-title = Confirma tu inscripción
confirm-body = Así consigues tu puesto en la lista de espera.
confirm-list = Lista de espera
confirm-until = Confirmar antes del
confirm-button = Confirmar
confirm-refuse = No fui yo
confirmed-title = Tu inscripción está confirmada
confirmed-body = Aquí no queda nada por hacer.
page-open = Abrir tu página
expired-title = Este enlace ha caducado
expired-body = Envía el formulario otra vez para recibir un enlace nuevo.
refused-title = La inscripción está borrada
refused-body = No recibirás más correos de este remitente.
refuse-title = ¿No fuiste tú?
refuse-body = Entonces se borrará la inscripción y no recibirás más correos de este remitente.
refuse-button = Borrar la inscripción
refuse-back = Fui yo

# Correos
unsubscribe-title = ¿Dejar de recibir correos de este remitente?
unsubscribe-body = { $email } no recibirá más correos de este remitente, sea cual sea la lista de espera. Conservas tu puesto.
unsubscribe-button = Dejar de recibir correos
unsubscribed-title = No recibirás más correos
unsubscribed-body = Conservas tu puesto en la lista de espera.

# Un enlace perdido
lost-title = Recibe tu enlace otra vez
lost-body = Escribe la dirección con la que te apuntaste. Allí llegará el enlace a tu página.
lost-button = Enviar el enlace
lost-sent-body = Si esta dirección está en la lista de espera, un correo con el enlace va de camino.

# Cuando algo no funciona
not-found-title = En esta dirección no hay nada
not-found-body = La dirección está incompleta o ya no es válida. Abre el correo más reciente que tengas.
forbidden-title = Este formulario es de otro sitio web
forbidden-body = Abre la página de la lista de espera y envía el formulario desde allí.
method-title = Esta página no puede hacer eso
method-body = Abre la dirección otra vez.
gone-title = Este enlace ha caducado
gone-body = Abre el correo más reciente que tengas o envía el formulario otra vez.
unprocessable-title = No ha funcionado
unprocessable-body = Vuelve atrás, repasa lo que escribiste e inténtalo otra vez.
too-often-title = Han sido demasiados intentos
too-often-body =
    { $minutes ->
        [one] Espera un minuto e inténtalo otra vez.
       *[other] Espera { $minutes } minutos e inténtalo otra vez.
    }
broken-title = Esta página no se puede mostrar ahora
broken-body = No se ha perdido nada. Inténtalo dentro de un momento.
request-id = Número para consultas sobre esto

# La primera página de un servidor
index-title = Rally está en marcha
index-body = Este servidor lleva listas de espera.
index-console = Abrir la consola
index-docs = Leer la documentación de la API

# Fechas
first-day = 1
date =
    { $month ->
        [1] { $day } de enero de { $year }
        [2] { $day } de febrero de { $year }
        [3] { $day } de marzo de { $year }
        [4] { $day } de abril de { $year }
        [5] { $day } de mayo de { $year }
        [6] { $day } de junio de { $year }
        [7] { $day } de julio de { $year }
        [8] { $day } de agosto de { $year }
        [9] { $day } de septiembre de { $year }
        [10] { $day } de octubre de { $year }
        [11] { $day } de noviembre de { $year }
       *[12] { $day } de diciembre de { $year }
    }
