# Moldura
footer = Funciona com Rally
language = Idioma
optional = { $label } (opcional)
title-error = Erro: { $title }

# Formulário
email = E-mail
name = Nome
join = Entrar na lista de espera
choose = Escolha uma opção
yes = Sim
no = Não
leave-empty = Deixe este campo vazio
friend-invited = Um amigo convidou você
lost-link-ask = Já está na lista de espera? Receba seu link de novo
privacy = Privacidade
terms = Termos
rewards = Recompensas
leaders = Quem trouxe mais amigos
leader-person = Pessoa
leader-friends = Amigos
friends-count =
    { $count ->
        [one] { $count } amigo
       *[other] { $count } amigos
    }
captcha-elsewhere = Esta lista de espera usa uma verificação contra robôs que esta página não consegue mostrar. Inscreva-se no site da lista de espera.
captcha-open = Ir para o site da lista de espera
work-running = Uma breve verificação contra robôs está em andamento
work-script = Esta lista de espera usa uma verificação contra robôs que precisa de JavaScript. Ative o JavaScript e carregue a página de novo.
work-secure = Esta lista de espera usa uma verificação contra robôs que precisa de uma conexão segura. Abra a página em um endereço que comece com https://
sending = O formulário está sendo enviado
form-unavailable = O formulário não pode ser mostrado agora
try-again = Tentar de novo
tab-new = (abre em uma nova aba)

# O que mudar em um formulário
errors-title = Confira estas respostas
error-email-missing = Digite seu e-mail
error-email = Digite um e-mail como nome@example.com
error-email-taken = Este endereço já está na lista de espera. Digite outro ou peça seu link de novo
error-email-disposable = Digite um endereço que você vai manter. Este é de um serviço de endereços descartáveis
error-email-no-mail = Digite outro endereço. O domínio deste não recebe e-mails
error-email-other = Digite outro endereço. Este não pode ser usado aqui
error-name-missing = Digite seu nome
error-missing = Preencha “{ $label }”
error-choose = Escolha uma opção em “{ $label }”
error-number = Digite um número em algarismos em “{ $label }”
error-url = Digite um endereço da web como https://example.com em “{ $label }”
error-field-email = Digite um e-mail como nome@example.com em “{ $label }”
error-tel = Digite um telefone como +55 11 5555 0100 em “{ $label }”
error-date = Digite uma data em “{ $label }”
error-long =
    { $max ->
        [one] Encurte “{ $label }” para { $max } caractere
       *[other] Encurte “{ $label }” para { $max } caracteres
    }
error-characters = Use apenas letras, algarismos e sinais comuns em “{ $label }”
error-consent = Marque a caixa para se inscrever
error-check = A verificação contra robôs não funcionou. Envie o formulário de novo
error-too-fast = Confira suas respostas e envie o formulário de novo
error-form = Confira suas respostas e envie o formulário de novo. Algo nelas não pôde ser salvo
error-unavailable = Não foi possível enviar o formulário. Tente de novo daqui a pouco
error-too-often =
    { $minutes ->
        [one] Foram envios demais. Espere um minuto e envie o formulário de novo
       *[other] Foram envios demais. Espere { $minutes } minutos e envie o formulário de novo
    }
error-network = Não há conexão. Verifique e envie o formulário de novo

# Uma lista de espera sem formulário
paused-title = Esta lista de espera está em pausa
paused-body = No momento ninguém pode se inscrever. Volte mais tarde.
closed-title = Esta lista de espera está encerrada
closed-body = Ninguém mais pode se inscrever. Quem está na lista de espera mantém seu lugar.
full-title = Esta lista de espera está cheia
full-body = Todos os lugares estão ocupados. Volte mais tarde, pois algum lugar pode ficar livre.

# Depois do formulário
mailbox-title = Veja sua caixa de entrada
mailbox-body = Um e-mail com um link está a caminho. Abra o link para confirmar seu lugar.
mailbox-hours =
    { $hours ->
        [one] O link funciona por { $hours } hora.
       *[other] O link funciona por { $hours } horas.
    }
mailbox-days =
    { $days ->
        [one] O link funciona por { $days } dia.
       *[other] O link funciona por { $days } dias.
    }
mailbox-spam = Se nada chegar em alguns minutos, veja a pasta de spam. Você também pode enviar o formulário de novo.
form-open = Ir para o formulário
form-back = Voltar ao formulário

# A página de uma pessoa
joined-title = Você está na lista de espera
place = Seu lugar
ahead =
    { $ahead ->
        [0] Ninguém está na sua frente
        [one] { $ahead } pessoa está na sua frente
       *[other] { $ahead } pessoas estão na sua frente
    }
total =
    { $total ->
        [one] { $total } pessoa está na lista de espera
       *[other] { $total } pessoas estão na lista de espera
    }
review-waiting = Sua inscrição aguarda aprovação
review-approved = Sua inscrição foi aprovada
rejected-title = Desta vez não
rejected-body = Agradecemos o seu interesse. Desta vez não há um lugar para você.
move-up = Avance na lista
move-up-body =
    { $boost ->
        [one] Cada amigo que entra pelo seu link pode fazer você avançar { $boost } lugar.
       *[other] Cada amigo que entra pelo seu link pode fazer você avançar até { $boost } lugares.
    }
invite = Convide amigos
invite-body = Seus amigos podem entrar pelo seu link.
share-link = Seu link para amigos
copy = Copiar link
copied = Copiado
share = Compartilhar
share-mail = Compartilhar por e-mail
share-text = Estou na lista de espera “{ $list }”. Você pode entrar pelo meu link:
share-closed = Seus amigos não podem mais entrar. Você mantém seu lugar.
share-later = No momento seus amigos não podem entrar. Você mantém seu lugar e seu link para eles.
reward-next =
    { $remaining ->
        [one] Falta { $remaining } amigo para: { $reward }
       *[other] Faltam { $remaining } amigos para: { $reward }
    }
reward-reached = Alcançada
friends = Seus amigos
friends-none = Ninguém entrou pelo seu link ainda.
friend-left = Um amigo que saiu
friend-joined = Entrou
friend-waiting = Aguardando
friends-more =
    { $count ->
        [one] E mais { $count }
       *[other] E mais { $count }
    }
answers = Suas respostas
answers-save = Salvar respostas
saved = Salvo
language-save = Salvar idioma
mail = E-mails
mail-on = Você recebe e-mails deste remetente.
mail-off = Você não recebe e-mails deste remetente.
mail-stop = Parar de receber e-mails
mail-start = Receber e-mails
data = Seus dados
data-body = Tudo o que está guardado sobre você, em um arquivo.
data-download = Baixar seus dados
joined-on = Inscrição
confirmed-on = Endereço confirmado
own-link = Esta página é sua. Quem tiver o endereço dela pode mudar ou apagar sua inscrição.
leave = Sair da lista de espera

# Sair
leave-title = Sair de “{ $list }”?
leave-body = Seu lugar, suas respostas e seu link serão apagados. Isso não pode ser desfeito.
leave-friends = Os amigos que entraram pelo seu link mantêm os lugares deles.
leave-button = Sair e apagar meus dados
leave-keep = Manter meu lugar
left-title = Você saiu da lista de espera
left-body = Seus dados foram apagados. Você pode se inscrever de novo quando quiser.

# Confirmar
confirm-title = Confirme sua inscrição
confirm-body = Assim você garante seu lugar na lista de espera.
confirm-list = Lista de espera
confirm-until = Confirmar até
confirm-button = Confirmar
confirm-refuse = Não fui eu
confirmed-title = Sua inscrição está confirmada
confirmed-body = Não há mais nada a fazer aqui.
page-open = Abrir sua página
expired-title = Este link expirou
expired-body = Envie o formulário de novo para receber um link novo.
refused-title = A inscrição foi apagada
refused-body = Você não recebe mais e-mails deste remetente.
refuse-title = Não foi você?
refuse-body = Então a inscrição será apagada e você não receberá mais e-mails deste remetente.
refuse-button = Apagar a inscrição
refuse-back = Fui eu

# E-mails
unsubscribe-title = Parar de receber e-mails deste remetente?
unsubscribe-body = { $email } não receberá mais e-mails deste remetente, seja qual for a lista de espera. Você mantém seu lugar.
unsubscribe-button = Parar de receber e-mails
unsubscribed-title = Você não recebe mais e-mails
unsubscribed-body = Você mantém seu lugar na lista de espera.

# Um link perdido
lost-title = Receba seu link de novo
lost-body = Digite o endereço com que você se inscreveu. O link da sua página vai para lá.
lost-button = Enviar o link
lost-sent-body = Se este endereço estiver na lista de espera, um e-mail com o link está a caminho.

# Quando algo não funciona
not-found-title = Não há nada neste endereço
not-found-body = O endereço está incompleto ou não vale mais. Abra o e-mail mais recente que você tem.
forbidden-title = Este formulário é de outro site
forbidden-body = Abra a página da lista de espera e envie o formulário de lá.
method-title = Esta página não pode fazer isso
method-body = Abra o endereço de novo.
gone-title = Este link expirou
gone-body = Abra o e-mail mais recente que você tem ou envie o formulário de novo.
unprocessable-title = Não funcionou
unprocessable-body = Volte, confira o que você digitou e tente de novo.
too-often-title = Foram tentativas demais
too-often-body =
    { $minutes ->
        [one] Espere um minuto e tente de novo.
       *[other] Espere { $minutes } minutos e tente de novo.
    }
broken-title = Esta página não pode ser mostrada agora
broken-body = Nada se perdeu. Tente de novo daqui a pouco.
request-id = Número para perguntas sobre isto

# A primeira página de um servidor
index-title = O Rally está funcionando
index-body = Este servidor cuida de listas de espera.
index-console = Abrir o console
index-docs = Ler a documentação da API

# Datas
first-day = 1º
date =
    { $month ->
        [1] { $day } de janeiro de { $year }
        [2] { $day } de fevereiro de { $year }
        [3] { $day } de março de { $year }
        [4] { $day } de abril de { $year }
        [5] { $day } de maio de { $year }
        [6] { $day } de junho de { $year }
        [7] { $day } de julho de { $year }
        [8] { $day } de agosto de { $year }
        [9] { $day } de setembro de { $year }
        [10] { $day } de outubro de { $year }
        [11] { $day } de novembro de { $year }
       *[12] { $day } de dezembro de { $year }
    }
